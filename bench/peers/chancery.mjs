// Chancery in dev mode, on SQLite with full durability.

import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync } from "node:fs";

import { Browser, target } from "./browser.mjs";
import { Connection, form, request } from "./load.mjs";
import { start, until } from "./processes.mjs";

const CALLBACK = "https://app.bench.example/callback";
const APIS = { RS256: "https://bench.example/rs256", ES256: "https://bench.example/es256" };
const SCOPE = "openid profile email offline_access read:bench";

export async function chancery(folder, binary) {
  mkdirSync(folder, { recursive: true });
  const args = ["dev", "--http", "127.0.0.1:0", "--https", "127.0.0.1:0", "--data", `${folder}/data`, "--ready-file", `${folder}/ready.json`];
  const child = start(binary, args, { log: `${folder}/log` });
  await until("chancery", child, async () => existsSync(`${folder}/ready.json`));
  const ready = JSON.parse(readFileSync(`${folder}/ready.json`, "utf8"));
  const issuer = new URL(ready.issuer);
  const host = issuer.host;
  const port = Number(issuer.port);
  const wire = new Connection(port);
  const json = async (bytes) => {
    const answer = await wire.ask(bytes);
    if (answer.status >= 300) throw new Error(`${answer.status}: ${answer.body}`);
    return answer.body.length ? JSON.parse(answer.body) : null;
  };
  const { management } = ready.clients;
  const bearer = (
    await json(form(host, "/oauth/token", { grant_type: "client_credentials", ...pick(management), audience: `${ready.issuer}api/v2/` }))
  ).access_token;
  const make = (kind, body) =>
    json(request("POST", host, `/api/v2/${kind}`, { authorization: `Bearer ${bearer}`, "content-type": "application/json" }, JSON.stringify(body)));
  for (const [alg, identifier] of Object.entries(APIS)) {
    await make("resource-servers", {
      name: alg, identifier, signing_alg: alg, scopes: [{ value: "read:bench" }], allow_offline_access: true,
      skip_consent_for_verifiable_first_party_clients: true,
    });
  }
  const client = await make("clients", {
    name: "Bench", app_type: "regular_web", callbacks: [CALLBACK], oidc_conformant: true, token_endpoint_auth_method: "client_secret_post",
    grant_types: ["authorization_code", "refresh_token", "client_credentials"], jwt_configuration: { alg: "RS256" },
    refresh_token: {
      rotation_type: "rotating", expiration_type: "expiring", leeway: 0, token_lifetime: 2592000, idle_token_lifetime: 1296000,
      infinite_token_lifetime: false, infinite_idle_token_lifetime: false,
    },
  });
  for (const audience of Object.values(APIS)) await make("client-grants", { client_id: client.client_id, audience, scope: ["read:bench"] });

  const own = pick(client);
  const browser = new Browser(wire, host);
  const ask = `/authorize?${new URLSearchParams({
    response_type: "code", client_id: client.client_id, redirect_uri: CALLBACK, scope: SCOPE, audience: APIS.RS256,
  })}`;
  await signIn(browser, ask, ready.user);
  const code = async () => (await browser.sent(ask)).searchParams.get("code");
  const exchange = (code) => form(host, "/oauth/token", { grant_type: "authorization_code", ...own, code, redirect_uri: CALLBACK });
  const tokens = await json(exchange(await code()));
  const server = {
    name: "Chancery", version: execFileSync(binary, ["--version"]).toString().trim().split(" ").pop(), pid: child.pid, host, port,
    notes: "SQLite, every write durable",
    discovery: request("GET", host, "/.well-known/openid-configuration"),
    jwks: request("GET", host, "/.well-known/jwks.json"),
    clientCredentials: (alg) => form(host, "/oauth/token", { grant_type: "client_credentials", ...own, audience: APIS[alg] }),
    userinfo: request("GET", host, "/userinfo", { authorization: `Bearer ${tokens.access_token}` }),
    codes: async (count) => {
      const codes = [];
      for (let made = 0; made < count; made++) codes.push(await code());
      return codes;
    },
    exchange,
    refreshTokens: async (count) => {
      const found = [];
      for (let made = 0; made < count; made++) found.push((await json(exchange(await code()))).refresh_token);
      return found;
    },
    refresh: (token) => form(host, "/oauth/token", { grant_type: "refresh_token", ...own, refresh_token: token }),
  };
  return [server];
}

const pick = ({ client_id, client_secret }) => ({ client_id, client_secret });

/** Until the browser is back at the application. */
async function signIn(browser, ask, { email, password }) {
  let at = await browser.sent(ask);
  while (at.origin + at.pathname !== CALLBACK) {
    const state = at.searchParams.get("state");
    if (at.pathname === "/u/login") at = await browser.sent("/u/login", { state, username: email, password, action: "default" });
    else if (at.pathname === "/u/consent") at = await consent(browser, at, state);
    else at = await browser.sent(target(at));
  }
}

/** Agrees to what the page shows. */
async function consent(browser, at, state) {
  const { body } = await browser.go(target(at));
  const asked = /name="asked" value="([^"]*)"/.exec(body)?.[1].replaceAll(/&#(\d+);/g, (_, code) => String.fromCharCode(code));
  return await browser.sent("/u/consent", { state, asked, action: "accept" });
}
