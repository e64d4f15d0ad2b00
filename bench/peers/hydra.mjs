// Ory Hydra, from the Go module proxy, on SQLite, with JWT access tokens. One server signs with one algorithm, so there are two.

import { execFileSync } from "node:child_process";
import { generateKeyPairSync, randomUUID } from "node:crypto";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

import { Browser, target } from "./browser.mjs";
import { Connection, form, request, signedWith } from "./load.mjs";
import { freePort, start, until } from "./processes.mjs";

const BINARY = fileURLToPath(new URL("../../target/peers/hydra", import.meta.url));
const VERSION = /ory\/hydra\/v2 v(\S+)/.exec(readFileSync(new URL("hydra/go.mod", import.meta.url), "utf8"))[1];
const CALLBACK = "https://app.bench.example/callback";
const SCOPE = "openid offline_access profile email read:bench";
// Each takes six requests to make, and an exchange is slow enough for so few to be a measurement.
const MOST_CODES = 150;

export async function hydra(folder) {
  if (!existsSync(BINARY)) throw new Error("not installed: see target/peers/hydra.log");
  return [await server(`${folder}/rs256`, "RS256"), await server(`${folder}/es256`, "ES256")];
}

function key(alg) {
  const [type, options] = alg === "RS256" ? ["rsa", { modulusLength: 2048 }] : ["ec", { namedCurve: "P-256" }];
  return { ...generateKeyPairSync(type, options).privateKey.export({ format: "jwk" }), use: "sig", alg, kid: `${alg}-${randomUUID()}` };
}

async function server(folder, alg) {
  mkdirSync(folder, { recursive: true });
  const [port, adminPort] = [await freePort(), await freePort()];
  const host = `localhost:${port}`;
  const env = {
    DSN: `sqlite://${folder}/hydra.sqlite?_fk=true`, SECRETS_SYSTEM: "a-secret-of-the-benchmark-0123456789", STRATEGIES_ACCESS_TOKEN: "jwt",
    URLS_SELF_ISSUER: `http://${host}`, URLS_LOGIN: `http://${host}/login`, URLS_CONSENT: `http://${host}/consent`, SERVE_PUBLIC_HOST: "127.0.0.1",
    SERVE_PUBLIC_PORT: String(port), SERVE_ADMIN_HOST: "127.0.0.1", SERVE_ADMIN_PORT: String(adminPort), LOG_LEVEL: "error", SQA_OPT_OUT: "true",
  };
  execFileSync(BINARY, ["migrate", "sql", "-e", "--yes"], { env: { ...process.env, ...env }, stdio: "ignore" });
  const child = start(BINARY, ["serve", "all", "--dev"], { log: `${folder}/log`, env });
  const admin = async (method, path, body) => {
    const connection = new Connection(adminPort);
    const answer = await connection.ask(request(method, `localhost:${adminPort}`, `/admin${path}`, { "content-type": "application/json" }, JSON.stringify(body)));
    connection.end();
    if (answer.status >= 300) throw new Error(`${path}: ${answer.status} ${answer.body}`);
    return JSON.parse(answer.body);
  };
  await until("Hydra", child, async () => (await fetch(`http://127.0.0.1:${adminPort}/health/ready`)).ok, 60);
  // Of the size that all others sign with: those it makes itself have 4096 bits.
  await admin("PUT", "/keys/hydra.jwt.access-token", { keys: [key(alg)] });
  await admin("PUT", "/keys/hydra.openid.id-token", { keys: [key("RS256")] });
  const own = { client_id: "", client_secret: "a-secret-of-the-benchmark-0123456789" };
  own.client_id = (
    await admin("POST", "/clients", {
      client_secret: own.client_secret, client_name: "Bench", redirect_uris: [CALLBACK], response_types: ["code"], scope: SCOPE,
      grant_types: ["authorization_code", "refresh_token", "client_credentials"], audience: ["https://bench.example"], token_endpoint_auth_method: "client_secret_post",
    })
  ).client_id;

  const wire = new Connection(port);
  const json = async (bytes) => {
    const answer = await wire.ask(bytes);
    if (answer.status !== 200) throw new Error(`${answer.status}: ${answer.body}`);
    return JSON.parse(answer.body);
  };
  const token = (fields) => form(host, "/oauth2/token", { ...own, ...fields });
  const machine = token({ grant_type: "client_credentials", scope: "read:bench", audience: "https://bench.example" });
  signedWith(alg, (await json(machine)).access_token);
  const shared = { version: VERSION, pid: child.pid, host, port, clientCredentials: (asked) => (asked === alg ? machine : undefined) };
  if (alg !== "RS256") return { ...shared, name: "Hydra (ES256 key)", notes: "as the other" };

  const ask = `/oauth2/auth?${new URLSearchParams({
    response_type: "code", client_id: own.client_id, redirect_uri: CALLBACK, scope: SCOPE, audience: "https://bench.example", state: "0123456789abcdef",
  })}`;
  const accept = async (kind, url, body) => {
    const asked = `${kind}_challenge`;
    const { redirect_to } = await admin("PUT", `/oauth2/auth/requests/${kind}/accept?${new URLSearchParams({ [asked]: url.searchParams.get(asked) })}`, body);
    return target(new URL(redirect_to));
  };
  const code = async () => {
    const browser = new Browser(wire, host);
    const login = await accept("login", await browser.sent(ask), { subject: "jane" });
    const consent = await accept("consent", await browser.sent(login), {
      grant_scope: SCOPE.split(" "), grant_access_token_audience: ["https://bench.example"], session: { id_token: { name: "Jane", email: "jane@example.com" } },
    });
    return (await browser.sent(consent)).searchParams.get("code");
  };
  const codes = async (count) => {
    const made = [];
    while (made.length < count) made.push(await code());
    return made;
  };
  const exchange = (code) => token({ grant_type: "authorization_code", code, redirect_uri: CALLBACK });
  const { access_token } = await json(exchange(await code()));
  return {
    ...shared, name: "Hydra", notes: "SQLite in a file, JWT access tokens, secrets hashed as it comes",
    discovery: request("GET", host, "/.well-known/openid-configuration"),
    jwks: request("GET", host, "/.well-known/jwks.json"),
    userinfo: request("GET", host, "/userinfo", { authorization: `Bearer ${access_token}` }),
    codes: (count) => codes(Math.min(count, MOST_CODES)),
    exchange,
    refreshTokens: async (count) => {
      const found = [];
      for (const made of await codes(count)) found.push((await json(exchange(made))).refresh_token);
      return found;
    },
    refresh: (refresh_token) => token({ grant_type: "refresh_token", refresh_token }),
  };
}
