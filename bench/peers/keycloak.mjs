// Keycloak, from Maven Central, in its production mode on the database in a file that it brings along.

import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

import { Browser, target } from "./browser.mjs";
import { Connection, form, request } from "./load.mjs";
import { freePort, last, start, until } from "./processes.mjs";

const VERSION = /keycloak-quarkus-dist<\/artifactId>\s*<version>(.*)<\/version>/.exec(readFileSync(new URL("keycloak/pom.xml", import.meta.url), "utf8"))[1];
const HOME = fileURLToPath(new URL(`../../target/peers/keycloak/keycloak-${VERSION}`, import.meta.url));
const CALLBACK = "https://app.bench.example/callback";
const ADMIN = { username: "admin", password: "an-administrator-of-the-benchmark" };
const USER = { username: "jane", password: "a-user-of-the-benchmark" };
const SECRET = "a-secret-of-the-benchmark-0123456789";
const REALM = "/realms/bench/protocol/openid-connect";

export async function keycloak(folder) {
  if (!existsSync(`${HOME}/.built`)) throw new Error("not installed: see target/peers/keycloak.log");
  mkdirSync(folder, { recursive: true });
  const [port, management] = [await freePort(), await freePort()];
  const options = {
    db: "dev-file", "db-url": `jdbc:h2:file:${folder}/h2;NON_KEYWORDS=VALUE`, "http-enabled": true, "http-host": "127.0.0.1", "http-port": port, "http-management-port": management,
    hostname: `http://localhost:${port}`, "log-level": "warn",
  };
  const shell = start(`${HOME}/bin/kc.sh`, ["start", "--optimized", ...Object.entries(options).map(([name, value]) => `--${name}=${value}`)], {
    log: `${folder}/log`, env: { KC_BOOTSTRAP_ADMIN_USERNAME: ADMIN.username, KC_BOOTSTRAP_ADMIN_PASSWORD: ADMIN.password },
  });
  const host = `localhost:${port}`;
  const json = async (bytes) => {
    const answer = await oneShot(port, bytes);
    if (answer.status >= 300) throw new Error(`${bytes.split("\r\n", 1)[0]}: ${answer.status} ${answer.body}`);
    return answer.body.length ? JSON.parse(answer.body) : null;
  };
  await until("Keycloak", shell, async () => (await json(request("GET", host, "/realms/master"))).realm === "master", 180);
  await furnish(host, json);

  const own = { client_id: "bench", client_secret: SECRET };
  const signedIn = () => json(form(host, `${REALM}/token`, { grant_type: "password", ...own, ...USER, scope: "openid profile email" }));
  const browser = new Browser(new Connection(port), host);
  const ask = `${REALM}/auth?${new URLSearchParams({ response_type: "code", client_id: "bench", redirect_uri: CALLBACK, scope: "openid profile email" })}`;
  const page = await browser.go(ask);
  const action = new URL(/action="([^"]+)"/.exec(page.body)[1].replaceAll("&amp;", "&"));
  await browser.sent(target(action), { ...USER, credentialId: "" });
  const { access_token } = await signedIn();
  return [
    {
      name: "Keycloak", version: VERSION, pid: last(shell.pid), host, port, notes: "production mode, H2 in a file, one node",
      // Java's compiler has not seen enough of a request in half a second.
      warmUp: 6000,
      discovery: request("GET", host, "/realms/bench/.well-known/openid-configuration"),
      jwks: request("GET", host, `${REALM}/certs`),
      clientCredentials: (alg) =>
        form(host, `${REALM}/token`, { grant_type: "client_credentials", client_id: alg === "RS256" ? "bench" : "bench-es256", client_secret: SECRET }),
      userinfo: request("GET", host, `${REALM}/userinfo`, { authorization: `Bearer ${access_token}` }),
      codes: async (count) => {
        const codes = [];
        while (codes.length < count) codes.push((await browser.sent(ask)).searchParams.get("code"));
        return codes;
      },
      exchange: (code) => form(host, `${REALM}/token`, { grant_type: "authorization_code", ...own, code, redirect_uri: CALLBACK }),
      // Of sessions of their own: two connections that rotate tokens of one session would be told that one was used twice.
      refreshTokens: async (count) => {
        const found = [];
        while (found.length < count) found.push((await signedIn()).refresh_token);
        return found;
      },
      refresh: (token) => form(host, `${REALM}/token`, { grant_type: "refresh_token", ...own, refresh_token: token }),
    },
  ];
}

/** A realm with a user, an API's scope, and a client for each algorithm. */
async function furnish(host, json) {
  const bearer = async () => (await json(form(host, "/realms/master/protocol/openid-connect/token", { grant_type: "password", client_id: "admin-cli", ...ADMIN }))).access_token;
  const make = async (path, body) =>
    json(request("POST", host, path, { authorization: `Bearer ${await bearer()}`, "content-type": "application/json" }, JSON.stringify(body)));
  const key = (providerId, config = {}) => ({ name: providerId, providerId, config: { priority: ["100"], enabled: ["true"], active: ["true"], ...config } });
  await make("/admin/realms", {
    realm: "bench", enabled: true, sslRequired: "none", accessTokenLifespan: 3600, ssoSessionIdleTimeout: 86400, ssoSessionMaxLifespan: 86400,
    revokeRefreshToken: true, refreshTokenMaxReuse: 0,
    components: {
      "org.keycloak.keys.KeyProvider": [
        key("rsa-generated", { keySize: ["2048"] }), key("ecdsa-generated", { ecdsaEllipticCurveKey: ["P-256"] }),
        key("hmac-generated", { algorithm: ["HS512"] }), key("aes-generated"),
      ],
    },
  });
  await make("/admin/realms/bench/client-scopes", {
    name: "read:bench", protocol: "openid-connect", attributes: { "include.in.token.scope": "true" },
    protocolMappers: [
      {
        name: "audience", protocol: "openid-connect", protocolMapper: "oidc-audience-mapper",
        config: { "included.custom.audience": "https://bench.example", "access.token.claim": "true" },
      },
    ],
  });
  const client = {
    enabled: true, secret: SECRET, clientAuthenticatorType: "client-secret", redirectUris: [CALLBACK], standardFlowEnabled: true, directAccessGrantsEnabled: true,
    serviceAccountsEnabled: true, fullScopeAllowed: false, defaultClientScopes: ["basic", "profile", "email", "read:bench"], optionalClientScopes: [],
  };
  await make("/admin/realms/bench/clients", { ...client, clientId: "bench" });
  await make("/admin/realms/bench/clients", { ...client, clientId: "bench-es256", attributes: { "access.token.signed.response.alg": "ES256" } });
  await make("/admin/realms/bench/users", {
    username: USER.username, enabled: true, email: "jane@example.com", emailVerified: true, firstName: "Jane", lastName: "Bench",
    credentials: [{ type: "password", value: USER.password }],
  });
}

async function oneShot(port, bytes) {
  const connection = new Connection(port);
  try {
    return await connection.ask(bytes);
  } finally {
    connection.end();
  }
}
