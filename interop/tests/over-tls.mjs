// Run in a process of its own: Node reads NODE_EXTRA_CA_CERTS only when it starts.
import * as client from 'openid-client';

const { https_issuer: issuer, api, clients } = JSON.parse(process.env.CHANCERY);
const { client_id, client_secret } = clients.m2m;
const config = await client.discovery(new URL(issuer), client_id, {}, client.ClientSecretPost(client_secret));
if (config.serverMetadata().issuer !== issuer) throw new Error(config.serverMetadata().issuer);
const tokens = await client.clientCredentialsGrant(config, { audience: api.identifier });
console.log(tokens.scope);
