// The example server of zitadel/oidc, from the Go module proxy, with JWT access tokens. One server signs with one algorithm, so there are two.

import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

import { Browser, target } from "./browser.mjs";
import { Connection, form, request, signedWith } from "./load.mjs";
import { freePort, start, until } from "./processes.mjs";

const BINARY = fileURLToPath(new URL("../../target/peers/zitadel-oidc", import.meta.url));
const VERSION = /zitadel\/oidc\/v3 v(\S+)/.exec(readFileSync(new URL("zitadel/go.mod", import.meta.url), "utf8"))[1];
const CALLBACK = "https://app.bench.example/callback";
const OWN = { client_id: "bench", client_secret: "a-secret-of-the-benchmark-0123456789" };
// The example has this client for machines, and this user.
const MACHINE = { client_id: "sid1", client_secret: "verysecret" };
const USER = { username: "test-user@localhost", password: "verysecure" };

export async function zitadel(folder) {
  if (!existsSync(BINARY)) throw new Error("not installed: see target/peers/zitadel.log");
  mkdirSync(folder, { recursive: true });
  return [await server(folder, "RS256"), await server(folder, "ES256")];
}

async function server(folder, alg) {
  const port = await freePort();
  const host = `localhost:${port}`;
  const child = start(BINARY, [String(port), alg], { log: `${folder}/log`, env: { BENCH_SECRET: OWN.client_secret, BENCH_CALLBACK: CALLBACK } });
  await until("zitadel/oidc", child, async () => (await fetch(`http://127.0.0.1:${port}/keys`)).ok);

  const wire = new Connection(port);
  const json = async (bytes) => {
    const answer = await wire.ask(bytes);
    if (answer.status !== 200) throw new Error(`${answer.status}: ${answer.body}`);
    return JSON.parse(answer.body);
  };
  const token = (fields) => form(host, "/oauth/token", { ...OWN, ...fields });
  const machine = token({ grant_type: "client_credentials", scope: "read:bench", ...MACHINE });
  signedWith(alg, (await json(machine)).access_token);
  const shared = { version: VERSION, pid: child.pid, host, port, clientCredentials: (asked) => (asked === alg ? machine : undefined) };
  if (alg !== "RS256") return { ...shared, name: "zitadel/oidc (ES256 key)", notes: "as the other" };

  const ask = `/auth?${new URLSearchParams({
    response_type: "code", client_id: OWN.client_id, redirect_uri: CALLBACK, scope: "openid profile email offline_access", state: "0123456789abcdef",
  })}`;
  // It keeps no session: each code is a login.
  const code = async () => {
    const browser = new Browser(wire, host);
    const id = (await browser.sent(ask)).searchParams.get("authRequestID");
    const back = await browser.sent("/login/username", { ...USER, id });
    const found = (await browser.sent(target(back))).searchParams.get("code");
    if (!found) throw new Error("no code came");
    return found;
  };
  const codes = async (count) => {
    const made = [];
    while (made.length < count) made.push(await code());
    return made;
  };
  const exchange = (code) => token({ grant_type: "authorization_code", code, redirect_uri: CALLBACK });
  const { access_token } = await json(exchange(await code()));
  signedWith("RS256", access_token);
  return {
    ...shared, name: "zitadel/oidc", notes: "the example server, in memory, nothing durable, JWT access tokens",
    discovery: request("GET", host, "/.well-known/openid-configuration"),
    jwks: request("GET", host, "/keys"),
    userinfo: request("GET", host, "/userinfo", { authorization: `Bearer ${access_token}` }),
    codes,
    exchange,
    refreshTokens: async (count) => {
      const found = [];
      for (const made of await codes(count)) found.push((await json(exchange(made))).refresh_token);
      return found;
    },
    refresh: (refresh_token) => token({ grant_type: "refresh_token", refresh_token }),
  };
}
