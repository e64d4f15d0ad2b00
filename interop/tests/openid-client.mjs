// openid-client, the certified relying party library: discovery, code with PKCE, refresh, userinfo, revocation.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import * as client from 'openid-client';

import { authorize } from '../lib/browser.mjs';
import { interopFolder } from '../lib/install.mjs';
import { start } from '../lib/processes.mjs';
import { serveSite } from '../lib/site.mjs';
import { claims } from '../lib/tokens.mjs';

export default {
  'code with PKCE, userinfo, refresh, revocation': async (tools) => {
    const { issuer, api, user } = tools.chancery;
    const relyingParty = await started(tools);
    const { config, application } = relyingParty;
    assert.equal(config.serverMetadata().issuer, issuer);
    assert.equal(config.serverMetadata().authorization_response_iss_parameter_supported, true);

    const { back, checks } = await signedIn(tools, relyingParty);
    assert.equal(back.searchParams.get('iss'), issuer);
    const tokens = await client.authorizationCodeGrant(config, back, checks);
    assert.equal(tokens.token_type, 'bearer');
    assert.ok(tokens.expiresIn() > 0);
    assert.equal(tokens.claims().aud, application.client_id);
    assert.equal(tokens.claims().nonce, checks.expectedNonce);
    assert.deepEqual(claims(tokens.access_token).aud, [api.identifier, `${issuer}userinfo`]);

    const profile = await client.fetchUserInfo(config, tokens.access_token, tokens.claims().sub);
    assert.equal(profile.email, user.email);

    const refreshed = await client.refreshTokenGrant(config, tokens.refresh_token);
    assert.ok(refreshed.access_token);
    assert.equal(refreshed.claims().sub, tokens.claims().sub);

    const said = await client.tokenIntrospection(config, refreshed.access_token);
    assert.deepEqual([said.active, said.sub, said.client_id], [true, tokens.claims().sub, application.client_id]);
    assert.equal((await client.tokenIntrospection(config, tokens.refresh_token)).active, true);

    await client.tokenRevocation(config, tokens.refresh_token);
    assert.deepEqual(await client.tokenIntrospection(config, tokens.refresh_token), { active: false });
    await assert.rejects(client.refreshTokenGrant(config, tokens.refresh_token), { error: 'invalid_grant', status: 403 });
  },

  'a request that is pushed ahead (RFC 9126)': async (tools) => {
    await tools.management.call('PATCH', 'tenants/settings', { pushed_authorization_requests_supported: true });
    const relyingParty = await started(tools);
    const { config, application } = relyingParty;
    await tools.management.call('PATCH', `clients/${application.client_id}`, { require_pushed_authorization_requests: true });
    const { request, back, checks } = await signedIn(tools, relyingParty, client.buildAuthorizationUrlWithPAR);
    assert.deepEqual([...request.searchParams.keys()].sort(), ['client_id', 'request_uri']);
    const tokens = await client.authorizationCodeGrant(config, back, checks);
    assert.ok(tokens.claims().sub);
  },

  'a request that is signed, alone and pushed ahead (RFC 9101)': async (tools) => {
    await tools.management.call('PATCH', 'tenants/settings', { pushed_authorization_requests_supported: true });
    const site = await serveSite();
    tools.after(site.close);
    const callback = `${site.origin}/callback`;
    const algorithm = { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256', modulusLength: 2048, publicExponent: new Uint8Array([1, 0, 1]) };
    const { privateKey, publicKey } = await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
    const spki = Buffer.from(await crypto.subtle.exportKey('spki', publicKey)).toString('base64').match(/.{1,64}/g).join('\n');
    const pem = `-----BEGIN PUBLIC KEY-----\n${spki}\n-----END PUBLIC KEY-----\n`;
    const application = await tools.management.web(`Signer ${randomUUID().slice(0, 8)}`, callback, {
      signed_request_object: { required: true, credentials: [{ credential_type: 'public_key', name: 'key', pem, alg: 'RS256' }] },
    });
    const config = await discovered(tools.chancery.issuer, application.client_id, client.ClientSecretPost(application.client_secret));
    const signed = (config, parameters) => client.buildAuthorizationUrlWithJAR(config, parameters, privateKey);
    const alone = await signedIn(tools, { config, callback }, signed);
    assert.deepEqual([...alone.request.searchParams.keys()].sort(), ['client_id', 'request']);
    assert.ok((await client.authorizationCodeGrant(config, alone.back, alone.checks)).claims().sub);
    const ahead = async (config, parameters) =>
      client.buildAuthorizationUrlWithPAR(config, (await signed(config, parameters)).searchParams);
    const both = await signedIn(tools, { config, callback }, ahead);
    assert.deepEqual([...both.request.searchParams.keys()].sort(), ['client_id', 'request_uri']);
    assert.ok((await client.authorizationCodeGrant(config, both.back, both.checks)).claims().sub);
  },

  'an answer that is signed (JARM)': async (tools) => {
    const relyingParty = await started(tools);
    client.useJwtResponseMode(relyingParty.config);
    const { back, checks } = await signedIn(tools, relyingParty);
    assert.deepEqual([...back.searchParams.keys()], ['response']);
    const tokens = await client.authorizationCodeGrant(relyingParty.config, back, checks);
    assert.ok(tokens.claims().sub);
  },

  'tokens bound to a key, without a secret: nonce, userinfo, refresh (RFC 9449)': async (tools) => {
    const { issuer, api, user } = tools.chancery;
    const site = await serveSite();
    tools.after(site.close);
    const callback = `${site.origin}/callback`;
    const application = await tools.management.call('POST', 'clients', {
      name: `Bound ${randomUUID().slice(0, 8)}`, app_type: 'native', token_endpoint_auth_method: 'none', oidc_conformant: true,
      callbacks: [callback], grant_types: ['authorization_code', 'refresh_token'], require_proof_of_possession: true,
    });
    const config = await discovered(issuer, application.client_id, client.None());
    assert.deepEqual(config.serverMetadata().dpop_signing_alg_values_supported, ['ES256']);
    const DPoP = client.getDPoPHandle(config, await client.randomDPoPKeyPair('ES256'));
    const build = async (config, parameters) =>
      client.buildAuthorizationUrl(config, { ...parameters, dpop_jkt: await DPoP.calculateThumbprint() });
    const { back, checks } = await signedIn(tools, { config, callback }, build);
    await assert.rejects(client.authorizationCodeGrant(config, back, checks), { error: 'invalid_dpop_proof' });
    const tokens = await client.authorizationCodeGrant(config, back, checks, {}, { DPoP });
    assert.equal(tokens.token_type, 'dpop');
    assert.equal(claims(tokens.access_token).cnf.jkt, await DPoP.calculateThumbprint());
    assert.deepEqual(claims(tokens.access_token).aud, [api.identifier, `${issuer}userinfo`]);
    const profile = await client.fetchUserInfo(config, tokens.access_token, tokens.claims().sub, { DPoP });
    assert.equal(profile.email, user.email);
    await assert.rejects(client.fetchUserInfo(config, tokens.access_token, tokens.claims().sub), { status: 401 });

    await assert.rejects(client.refreshTokenGrant(config, tokens.refresh_token), { error: 'invalid_dpop_proof' });
    const thief = client.getDPoPHandle(config, await client.randomDPoPKeyPair('ES256'));
    await assert.rejects(client.refreshTokenGrant(config, tokens.refresh_token, {}, { DPoP: thief }), { error: 'invalid_dpop_proof' });
    const refreshed = await client.refreshTokenGrant(config, tokens.refresh_token, {}, { DPoP });
    assert.equal(refreshed.token_type, 'dpop');
  },

  'an API calls another one for its user (RFC 8693)': async (tools) => {
    const { issuer, api } = tools.chancery;
    const relyingParty = await started(tools);
    const { back, checks } = await signedIn(tools, relyingParty);
    const tokens = await client.authorizationCodeGrant(relyingParty.config, back, checks);

    const invoices = `https://invoices-${randomUUID().slice(0, 8)}.example`;
    await tools.management.call('POST', 'resource-servers', { identifier: invoices, name: 'Invoices', scopes: [{ value: 'read:invoices' }] });
    const middle = await tools.management.call('POST', 'clients', {
      name: 'The demo API', app_type: 'resource_server', resource_server_identifier: api.identifier,
      token_endpoint_auth_method: 'client_secret_post', token_exchange: { allow_any_profile_of_type: ['on_behalf_of_token_exchange'] },
    });
    await tools.management.call('POST', 'client-grants', { client_id: middle.client_id, audience: invoices, scope: ['read:invoices'], subject_type: 'user' });
    const config = await discovered(issuer, middle.client_id, client.ClientSecretPost(middle.client_secret));
    const type = 'urn:ietf:params:oauth:token-type:access_token';
    const passedOn = await client.genericGrantRequest(config, 'urn:ietf:params:oauth:grant-type:token-exchange', {
      subject_token: tokens.access_token, subject_token_type: type, requested_token_type: type, audience: invoices, scope: 'read:invoices',
    });
    assert.equal(passedOn.issued_token_type, type);
    const said = claims(passedOn.access_token);
    assert.deepEqual([said.sub, said.aud, said.scope], [tokens.claims().sub, invoices, 'read:invoices']);
    assert.deepEqual(said.act, { sub: middle.client_id, act: { sub: relyingParty.application.client_id } });
    const seen = await client.tokenIntrospection(config, tokens.access_token);
    assert.deepEqual([seen.active, seen.client_id], [true, relyingParty.application.client_id]);
  },

  'a code works once, and only with its verifier': async (tools) => {
    const relyingParty = await started(tools);
    const { config } = relyingParty;
    const { back, checks } = await signedIn(tools, relyingParty);
    const wrong = { ...checks, pkceCodeVerifier: client.randomPKCECodeVerifier() };
    await assert.rejects(client.authorizationCodeGrant(config, back, wrong), { error: 'invalid_grant' });

    const again = await signedIn(tools, relyingParty);
    await client.authorizationCodeGrant(config, again.back, again.checks);
    await assert.rejects(client.authorizationCodeGrant(config, again.back, again.checks), { error: 'invalid_grant' });
  },

  'an answer of another issuer is refused by the client (RFC 9207)': async (tools) => {
    const relyingParty = await started(tools);
    const { back, checks } = await signedIn(tools, relyingParty);
    for (const change of [(query) => query.set('iss', 'https://other.example/'), (query) => query.delete('iss')]) {
      const mixedUp = new URL(back);
      change(mixedUp.searchParams);
      await assert.rejects(client.authorizationCodeGrant(relyingParty.config, mixedUp, checks), (error) => /"iss"/.test(error.cause?.message));
    }
    await client.authorizationCodeGrant(relyingParty.config, back, checks);
  },

  'client credentials with the secret in the body and in the header': async (tools) => {
    const { issuer, api, clients } = tools.chancery;
    const { client_id: id, client_secret: secret } = clients.m2m;
    const basic = await tools.management.call('POST', 'clients', {
      name: 'Machine with Basic', app_type: 'non_interactive', grant_types: ['client_credentials'],
      token_endpoint_auth_method: 'client_secret_basic', oidc_conformant: true,
    });
    await tools.management.grant(basic.client_id, api.identifier, ['delete:contacts']);
    const cases = [
      [id, client.ClientSecretPost(secret), 'read:contacts'],
      [basic.client_id, client.ClientSecretBasic(basic.client_secret), 'delete:contacts'],
    ];
    for (const [clientId, authentication, scope] of cases) {
      const config = await discovered(issuer, clientId, authentication);
      const tokens = await client.clientCredentialsGrant(config, { audience: api.identifier });
      assert.equal(tokens.scope, scope);
      assert.equal(claims(tokens.access_token).sub, `${clientId}@clients`);
      assert.equal(claims(tokens.access_token).aud, api.identifier);
    }
    const wrong = await discovered(issuer, id, client.ClientSecretPost('wrong'));
    await assert.rejects(client.clientCredentialsGrant(wrong, { audience: api.identifier }), { status: 401 });
  },

  'over TLS with the CA of dev mode': async ({ chancery }) => {
    const child = start(process.execPath, [join(interopFolder, 'tests/over-tls.mjs')], {
      env: { NODE_EXTRA_CA_CERTS: chancery.ca_file, CHANCERY: JSON.stringify(chancery) },
    });
    assert.equal(await child.ended, 0, child.output);
    assert.match(child.output, /read:contacts/);
  },
};

/** An application with a secret and its discovered server. */
async function started({ chancery, management, after }) {
  const site = await serveSite();
  after(site.close);
  const callback = `${site.origin}/callback`;
  const application = await management.web('Relying Party', callback);
  const config = await discovered(chancery.issuer, application.client_id, client.ClientSecretPost(application.client_secret));
  return { application, callback, config };
}

function discovered(issuer, id, authentication) {
  return client.discovery(new URL(issuer), id, {}, authentication, { execute: [client.allowInsecureRequests] });
}

/** The address at which Jane came back, and what the library is to check it with. */
async function signedIn({ chancery, browser }, { config, callback }, build = client.buildAuthorizationUrl) {
  const checks = {
    pkceCodeVerifier: client.randomPKCECodeVerifier(),
    expectedState: client.randomState(),
    expectedNonce: client.randomNonce(),
  };
  const request = await build(config, {
    redirect_uri: callback,
    scope: 'openid profile email offline_access read:contacts',
    audience: chancery.api.identifier,
    code_challenge: await client.calculatePKCECodeChallenge(checks.pkceCodeVerifier),
    code_challenge_method: 'S256',
    state: checks.expectedState,
    nonce: checks.expectedNonce,
  });
  return { request, checks, back: await authorize(await browser.page(), request, chancery.user, callback) };
}
