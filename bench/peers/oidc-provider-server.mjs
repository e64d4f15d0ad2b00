// node oidc-provider with an adapter in memory: nothing is durable. The one it comes with forgets all but a thousand entries, so this
// one is a plain map. Codes are made through its own models, over the channel to the parent: only their exchange is measured.

import { generateKeyPairSync } from "node:crypto";

import Provider from "oidc-provider";

const [port] = process.argv.slice(2);
const issuer = `http://localhost:${port}`;
const jwk = (type, options, rest) => ({ ...generateKeyPairSync(type, options).privateKey.export({ format: "jwk" }), use: "sig", ...rest });
const resource = (alg) => ({
  scope: "read:bench", audience: `https://bench.example/${alg}`, accessTokenFormat: "jwt", accessTokenTTL: 3600, jwt: { sign: { alg } },
});

/** The contract of an adapter. */
class Memory {
  static entries = new Map();
  static grants = new Map();

  constructor(model) {
    this.model = model;
  }

  key(id) {
    return `${this.model}:${id}`;
  }

  async upsert(id, payload) {
    const key = this.key(id);
    Memory.entries.set(key, payload);
    if (payload.grantId) {
      if (!Memory.grants.has(payload.grantId)) Memory.grants.set(payload.grantId, new Set());
      Memory.grants.get(payload.grantId).add(key);
    }
  }

  async find(id) {
    return Memory.entries.get(this.key(id));
  }

  async findByUid() {}

  async findByUserCode() {}

  async destroy(id) {
    Memory.entries.delete(this.key(id));
  }

  async consume(id) {
    Memory.entries.get(this.key(id)).consumed = Math.floor(Date.now() / 1000);
  }

  async revokeByGrantId(grantId) {
    for (const key of Memory.grants.get(grantId) ?? []) Memory.entries.delete(key);
    Memory.grants.delete(grantId);
  }
}

const provider = new Provider(issuer, {
  adapter: Memory,
  clients: [
    {
      client_id: "bench", client_secret: "a-secret-of-the-benchmark-0123456789", redirect_uris: ["https://app.bench.example/callback"],
      grant_types: ["authorization_code", "refresh_token", "client_credentials"], response_types: ["code"], token_endpoint_auth_method: "client_secret_post",
    },
  ],
  jwks: { keys: [jwk("rsa", { modulusLength: 2048 }, { alg: "RS256", kid: "rs" }), jwk("ec", { namedCurve: "P-256" }, { alg: "ES256", kid: "es" })] },
  features: {
    devInteractions: { enabled: false },
    clientCredentials: { enabled: true },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => undefined,
      useGrantedResource: () => true,
      getResourceServerInfo: (_, indicator) => resource(indicator.split("/").pop()),
    },
  },
  claims: { openid: ["sub"], profile: ["name"], email: ["email"] },
  scopes: ["openid", "offline_access", "read:bench"],
  pkce: { required: () => false },
  findAccount: (_, sub) => ({ accountId: sub, claims: () => ({ sub, name: "Jane", email: "jane@example.com" }) }),
  rotateRefreshToken: true,
  issueRefreshToken: () => true,
});

async function code(resource) {
  const client = await provider.Client.find("bench");
  const grant = new provider.Grant({ clientId: "bench", accountId: "jane" });
  grant.addOIDCScope("openid profile email offline_access");
  if (resource) grant.addResourceScope(resource, "read:bench");
  const made = new provider.AuthorizationCode({
    client, accountId: "jane", grantId: await grant.save(), redirectUri: "https://app.bench.example/callback", acr: "0", authTime: Math.floor(Date.now() / 1000),
    claims: {}, scope: `openid profile email offline_access${resource ? " read:bench" : ""}`, resource, gty: "authorization_code",
  });
  return made.save();
}

process.on("message", async ({ count, resource }) => {
  process.send(await Promise.all(Array.from({ length: count }, () => code(resource))));
});
provider.on("server_error", (_, cause) => console.error(cause));
provider.listen(Number(port), "127.0.0.1", () => process.send("ready"));
