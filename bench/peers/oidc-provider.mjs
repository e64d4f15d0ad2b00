// node oidc-provider, from npm.

import { fork } from "node:child_process";
import { existsSync, mkdirSync, openSync, readFileSync } from "node:fs";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

import { Connection, form, request } from "./load.mjs";
import { adopt, freePort } from "./processes.mjs";

const PACKAGE = new URL("node_modules/oidc-provider/package.json", import.meta.url);
const CALLBACK = "https://app.bench.example/callback";
const RESOURCE = "https://bench.example/RS256";

export async function oidcProvider(folder) {
  if (!existsSync(PACKAGE)) throw new Error("not installed: see target/peers/oidc-provider.log");
  mkdirSync(folder, { recursive: true });
  const port = await freePort();
  const out = openSync(`${folder}/log`, "a");
  const child = adopt(
    fork(fileURLToPath(new URL("oidc-provider-server.mjs", import.meta.url)), [String(port)], {
      env: { ...process.env, NODE_ENV: "production" }, stdio: ["ignore", out, out, "ipc"],
    }),
  );
  const [first] = await Promise.race([once(child, "message"), once(child, "exit")]);
  if (first !== "ready") throw new Error(`oidc-provider does not start: ${readFileSync(`${folder}/log`)}`);
  const host = `localhost:${port}`;
  const own = { client_id: "bench", client_secret: "a-secret-of-the-benchmark-0123456789" };
  const wire = new Connection(port);
  const codes = async (count, resource = RESOURCE) => {
    child.send({ count, resource });
    return (await once(child, "message"))[0];
  };
  const exchange = (code) => form(host, "/token", { grant_type: "authorization_code", ...own, code, redirect_uri: CALLBACK });
  const json = async (bytes) => {
    const answer = await wire.ask(bytes);
    if (answer.status !== 200) throw new Error(`${answer.status}: ${answer.body}`);
    return JSON.parse(answer.body);
  };
  // Its userinfo endpoint takes no token of another resource.
  const forUserinfo = await json(exchange((await codes(1, null))[0]));
  const server = {
    name: "oidc-provider", version: JSON.parse(readFileSync(PACKAGE)).version, pid: child.pid, host, port,
    notes: `node ${process.version}, in memory, nothing durable`,
    discovery: request("GET", host, "/.well-known/openid-configuration"),
    jwks: request("GET", host, "/jwks"),
    clientCredentials: (alg) => form(host, "/token", { grant_type: "client_credentials", ...own, resource: `https://bench.example/${alg}`, scope: "read:bench" }),
    userinfo: request("GET", host, "/me", { authorization: `Bearer ${forUserinfo.access_token}` }),
    codes,
    exchange,
    refreshTokens: async (count) => Promise.all((await codes(count)).map(async (code) => (await oneShot(port, exchange(code))).refresh_token)),
    refresh: (token) => form(host, "/token", { grant_type: "refresh_token", ...own, refresh_token: token }),
  };
  return [server];
}

async function oneShot(port, bytes) {
  const connection = new Connection(port);
  const answer = await connection.ask(bytes);
  connection.end();
  if (answer.status !== 200) throw new Error(`${answer.status}: ${answer.body}`);
  return JSON.parse(answer.body);
}
