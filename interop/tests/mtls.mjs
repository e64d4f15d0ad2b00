// openid-client with a client certificate (RFC 8705), over the listener that asks for one.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import * as client from 'openid-client';

import { certificate, fetchWith } from '../lib/client-certificate.mjs';
import { claims } from '../lib/tokens.mjs';

export default {
  'a machine authenticates by its certificate, and its token is bound to it': async ({ chancery, management, after }) => {
    const { https_issuer: issuer, ca_file: ca, api } = chancery;
    await management.call('PATCH', 'tenants/settings', { mtls: { enable_endpoint_aliases: true } });
    const path = `resource-servers/${encodeURIComponent(api.identifier)}`;
    const application = await management.call('POST', 'clients', {
      name: `Bank ${randomUUID().slice(0, 8)}`,
      app_type: 'non_interactive',
      grant_types: ['client_credentials'],
      oidc_conformant: true,
      client_authentication_methods: {
        self_signed_tls_client_auth: { credentials: [{ credential_type: 'x509_cert', name: 'own', pem: certificate }] },
      },
    });
    await management.call('POST', 'client-grants', {
      client_id: application.client_id, audience: api.identifier, scope: ['read:contacts'],
    });
    const configured = async (fetchOver) => {
      const options = { [client.customFetch]: fetchOver };
      const metadata = { use_mtls_endpoint_aliases: true };
      return client.discovery(new URL(issuer), application.client_id, metadata, client.TlsClientAuth(), options);
    };
    const config = await configured(fetchWith(ca));
    const { mtls_endpoint_aliases: aliases } = config.serverMetadata();
    assert.notEqual(new URL(aliases.token_endpoint).port, new URL(issuer).port, 'a listener of its own');

    const tokens = await client.clientCredentialsGrant(config, { audience: api.identifier });
    assert.equal(claims(tokens.access_token).iss, issuer);
    assert.equal(claims(tokens.access_token).cnf, undefined);
    after(() => management.call('PATCH', path, { proof_of_possession: null }));
    await management.call('PATCH', path, { proof_of_possession: { mechanism: 'mtls', required: true } });
    const bound = await client.clientCredentialsGrant(config, { audience: api.identifier });
    assert.ok(claims(bound.access_token).cnf['x5t#S256']);

    const without = await configured(fetchWith(ca, { shows: false }));
    await assert.rejects(client.clientCredentialsGrant(without, { audience: api.identifier }), { error: 'invalid_client' });
  },
};
