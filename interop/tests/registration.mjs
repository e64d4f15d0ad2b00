// openid-client registers itself (RFC 7591), asks for claims by name, and reads a signed answer of /userinfo.
import assert from 'node:assert/strict';
import * as client from 'openid-client';

import { authorize } from '../lib/browser.mjs';
import { Management } from '../lib/management.mjs';
import { startChancery } from '../lib/server.mjs';
import { serveSite } from '../lib/site.mjs';

export default {
  'registers itself, asks for claims by name, reads a signed userinfo': async ({ browser, after }) => {
    const chancery = await startChancery({ options: ['--fetch-networks', '127.0.0.1'] });
    after(() => chancery.stop());
    const management = new Management(chancery);
    await management.call('PATCH', 'tenants/settings', {
      flags: { enable_dynamic_client_registration: true }, dynamic_client_registration_security_mode: 'permissive',
    });
    const site = await serveSite();
    after(() => site.close());
    const callback = `${site.origin}/callback`;
    // On loopback every program is at home: a document says whose sector it is.
    site.config = [callback];
    const config = await client.dynamicClientRegistration(
      new URL(chancery.issuer),
      {
        client_name: 'Visitor', redirect_uris: [callback], application_type: 'native', subject_type: 'pairwise',
        sector_identifier_uri: `${site.origin}/config.json`,
        token_endpoint_auth_method: 'client_secret_post', userinfo_signed_response_alg: 'RS256', require_auth_time: true,
        grant_types: ['authorization_code', 'refresh_token'],
      },
      undefined,
      { execute: [client.allowInsecureRequests, client.enableNonRepudiationChecks] },
    );
    const registered = config.clientMetadata();
    assert.equal(registered.userinfo_signed_response_alg, 'RS256');
    assert.ok(registered.registration_access_token && registered.client_secret);

    const checks = {
      pkceCodeVerifier: client.randomPKCECodeVerifier(), expectedState: client.randomState(), expectedNonce: client.randomNonce(),
    };
    const request = client.buildAuthorizationUrl(config, {
      redirect_uri: callback, scope: 'openid offline_access', state: checks.expectedState, nonce: checks.expectedNonce,
      code_challenge: await client.calculatePKCECodeChallenge(checks.pkceCodeVerifier), code_challenge_method: 'S256',
      claims: JSON.stringify({ userinfo: { email: { essential: true } }, id_token: { nickname: null } }),
    });
    const back = await authorize(await browser.page(), request, chancery.user, callback);
    const tokens = await client.authorizationCodeGrant(config, back, checks);
    const said = tokens.claims();
    assert.ok(said.nickname && said.auth_time && !said.email);
    assert.ok(!said.sub.includes('|'), 'a pairwise subject');
    const profile = await client.fetchUserInfo(config, tokens.access_token, said.sub);
    assert.equal(profile.email, chancery.user.email);
    const refreshed = await client.refreshTokenGrant(config, tokens.refresh_token);
    assert.equal(refreshed.claims().sub, said.sub);

    const own = { headers: { authorization: `Bearer ${registered.registration_access_token}` } };
    const shown = await (await fetch(registered.registration_client_uri, own)).json();
    assert.equal(shown.client_id, registered.client_id);
    assert.equal((await fetch(registered.registration_client_uri, { ...own, method: 'DELETE' })).status, 204);
    await assert.rejects(client.refreshTokenGrant(config, refreshed.refresh_token ?? tokens.refresh_token), { status: 401 });
  },

  // jose holds a key to its `alg`: it finds one for PS256, though the same RSA key is published for RS256.
  'reads an encrypted ID token that is signed with PS256': async (tools) => {
    const { chancery, management, browser } = tools;
    await management.call('PATCH', 'tenants/settings', {
      flags: { enable_dynamic_client_registration: true }, dynamic_client_registration_security_mode: 'permissive',
    });
    const site = await serveSite();
    tools.after(site.close);
    const callback = `${site.origin}/callback`;
    const { publicKey, privateKey } = await crypto.subtle.generateKey({ name: 'ECDH', namedCurve: 'P-256' }, true, ['deriveBits']);
    const jwk = { ...(await crypto.subtle.exportKey('jwk', publicKey)), use: 'enc', kid: 'enc-1' };
    const config = await client.dynamicClientRegistration(
      new URL(chancery.issuer),
      {
        client_name: 'Reader', redirect_uris: [callback], application_type: 'native', jwks: { keys: [jwk] },
        token_endpoint_auth_method: 'client_secret_post', id_token_signed_response_alg: 'PS256',
        id_token_encrypted_response_alg: 'ECDH-ES', id_token_encrypted_response_enc: 'A256GCM',
      },
      undefined,
      { execute: [client.allowInsecureRequests, client.enableNonRepudiationChecks] },
    );
    client.enableDecryptingResponses(config, ['A256GCM'], { key: privateKey, alg: 'ECDH-ES', kid: 'enc-1' });
    const checks = { pkceCodeVerifier: client.randomPKCECodeVerifier(), expectedState: client.randomState() };
    const request = client.buildAuthorizationUrl(config, {
      redirect_uri: callback, scope: 'openid', state: checks.expectedState,
      code_challenge: await client.calculatePKCECodeChallenge(checks.pkceCodeVerifier), code_challenge_method: 'S256',
    });
    const back = await authorize(await browser.page(), request, chancery.user, callback);
    const tokens = await client.authorizationCodeGrant(config, back, checks);
    assert.equal(tokens.id_token.split('.').length, 5);
    assert.ok(tokens.claims().sub);
  },
};
