// oauth4webapi, which the certified relying party libraries stand on, against a tenant as the OpenID Foundation's conformance plans want
// it: `oidc_strict`, open registration, pushed requests. The words in quotes are the plans' modules.
import assert from 'node:assert/strict';
import { createHash, createPublicKey, randomUUID } from 'node:crypto';
import * as jose from 'jose';
import * as oauth from 'oauth4webapi';

import { fetchWith } from '../lib/client-certificate.mjs';
import { Management } from '../lib/management.mjs';
import { Person } from '../lib/person.mjs';
import { startChancery } from '../lib/server.mjs';

const CALLBACK = 'https://rp.example/cb';
const CIBA = 'urn:openid:params:grant-type:ciba';
const OPEN = { enable_dynamic_client_registration: true };

export default {
  'basic: code, userinfo three ways, prompts, ages, a code used twice': async (tools) => {
    const op = await provider(tools);
    const rp = await registered(op, { grant_types: ['authorization_code', 'refresh_token'] });
    const person = new Person(op.over, op.user);
    // 'oidcc-prompt-none-not-logged-in'
    refused(op, rp, (await person.open(request(op, rp, { prompt: 'none' }), CALLBACK)).said, 'login_required');

    // 'oidcc-server', with what 'oidcc-display-page', 'oidcc-ui-locales', 'oidcc-claims-locales' and others send along
    const along = { display: 'page', ui_locales: 'se', claims_locales: 'se', login_hint: 'x@example.com', acr_values: '1 2', extra: 'foobar' };
    const first = await signedIn(op, rp, person, along);
    const { sub } = first.claims;
    assert.ok(first.tokens.expires_in > 0 && !first.claims.email);
    // 'oidcc-userinfo-get', 'oidcc-userinfo-post-header', 'oidcc-userinfo-post-body'
    const got = await oauth.userInfoRequest(op.as, rp.client, first.tokens.access_token, op.options);
    assert.equal((await oauth.processUserInfoResponse(op.as, rp.client, sub, got)).sub, sub);
    const headers = { authorization: `Bearer ${first.tokens.access_token}` };
    for (const sent of [{ headers }, { body: new URLSearchParams({ access_token: first.tokens.access_token }) }]) {
      assert.equal((await (await post(op, op.as.userinfo_endpoint, sent)).json()).sub, sub);
    }
    // 'oidcc-scope-all', 'oidcc-claims-essential'
    const claims = JSON.stringify({ userinfo: { name: { essential: true } } });
    const all = await signedIn(op, rp, person, { scope: 'openid profile email address phone', claims });
    const profile = await (await op.over(op.as.userinfo_endpoint, { headers: { authorization: `Bearer ${all.tokens.access_token}` } })).json();
    assert.equal(profile.email, op.user.email);
    assert.ok(profile.name && Number.isInteger(profile.updated_at), 'moments are numbers');

    // 'oidcc-prompt-none-logged-in', 'oidcc-id-token-hint', 'oidcc-max-age-10000'
    const logins = person.logins;
    const silent = await signedIn(op, rp, person, { prompt: 'none', id_token_hint: first.tokens.id_token, max_age: '10000' });
    assert.deepEqual([silent.claims.sub, silent.claims.auth_time, person.logins], [sub, (await signedIn(op, rp, person, { max_age: '10000' })).claims.auth_time, logins]);
    // 'oidcc-max-age-1', 'oidcc-prompt-login'
    await new Promise((resolve) => setTimeout(resolve, 2100));
    const aged = await signedIn(op, rp, person, { max_age: '1' });
    assert.ok(aged.claims.auth_time > silent.claims.auth_time && person.logins === logins + 1);
    await signedIn(op, rp, person, { prompt: 'login' });
    assert.equal(person.logins, logins + 2);

    // 'oidcc-codereuse', 'oidcc-codereuse-30seconds'
    const again = await redeem(op, rp, first.params);
    assert.equal(again.status, 400);
    assert.equal((await again.json()).error, 'invalid_grant');
    assert.equal((await op.over(op.as.userinfo_endpoint, { headers })).status, 401, 'what came of it is revoked');
    // 'oidcc-refresh-token'
    const kept = await signedIn(op, rp, person, { scope: 'openid offline_access', prompt: 'consent' });
    const renewed = await oauth.refreshTokenGrantRequest(op.as, rp.client, rp.auth, kept.tokens.refresh_token, op.options);
    assert.ok((await oauth.processRefreshTokenResponse(op.as, rp.client, renewed)).access_token);

    // 'oidcc-ensure-registered-redirect-uri', 'oidcc-response-type-missing', 'oidcc-ensure-redirect-uri-in-authorization-request'
    for (const changes of [{ redirect_uri: `${CALLBACK}/other` }, { response_type: undefined }, { redirect_uri: undefined }]) {
      const end = await person.open(request(op, rp, changes), 'https://rp.example/');
      assert.ok(end.status >= 400 && !end.at, JSON.stringify(changes));
    }
  },

  'implicit, hybrid and form post: every answer is the ID token\'s own': async (tools) => {
    const op = await provider(tools);
    const person = new Person(op.over, op.user);
    for (const response_type of ['id_token', 'id_token token', 'code id_token', 'code token', 'code id_token token']) {
      const grants = response_type.includes('code') ? ['authorization_code', 'implicit'] : ['implicit'];
      const rp = await registered(op, { response_types: [response_type], grant_types: grants });
      // 'oidcc-ensure-request-without-nonce-fails'
      if (response_type.includes('id_token')) {
        const { said } = await person.open(request(op, rp, { response_type, nonce: undefined }), CALLBACK);
        assert.equal(said.get('error'), 'invalid_request', response_type);
      }
      for (const response_mode of [undefined, 'form_post']) {
        const back = await person.open(request(op, rp, { response_type, response_mode }), CALLBACK);
        const { said } = back;
        assert.ok(response_mode ? back.posted : back.at.search === '', `${response_type} travels in ${response_mode ?? 'the fragment'}`);
        assert.deepEqual([said.get('state'), said.get('iss')], ['s', op.issuer]);
        if (response_type === 'code id_token') {
          await oauth.validateCodeIdTokenResponse(op.as, rp.client, said, 'n', 's', undefined, op.options);
        }
        if (response_type.includes('id_token')) {
          const { payload } = await jose.jwtVerify(said.get('id_token'), await op.keys(), { issuer: op.issuer, audience: rp.client.client_id });
          assert.equal(payload.nonce, 'n');
          assert.equal(payload.at_hash, said.has('access_token') ? half(said.get('access_token')) : undefined);
          assert.equal(payload.c_hash, said.has('code') ? half(said.get('code')) : undefined);
        }
        if (response_type.includes('token') && said.has('access_token')) {
          const headers = { authorization: `Bearer ${said.get('access_token')}` };
          assert.equal((await op.over(op.as.userinfo_endpoint, { headers })).status, 200);
        }
        if (said.has('code')) assert.equal((await redeem(op, rp, oauth.validateAuthResponse(op.as, rp.client, codeOf(said), 's'))).status, 200);
      }
    }
    // 'oidcc-server' of the form post basic plan
    const rp = await registered(op, {});
    const back = await person.open(request(op, rp, { response_mode: 'form_post' }), CALLBACK);
    assert.ok(back.posted && back.said.get('code'));
  },

  'config and dynamic: metadata, keys, registrations that are refused, rotation': async (tools) => {
    const op = await provider(tools);
    // 'oidcc-discovery-endpoint-verification'
    for (const [name, value] of Object.entries(op.as)) {
      if (/_(endpoint|iframe|uri)$/.test(name)) assert.ok(value.startsWith('https://'), name);
    }
    for (const type of ['code', 'id_token', 'token id_token']) assert.ok(op.as.response_types_supported.includes(type), type);
    assert.ok(op.as.grant_types_supported.includes('implicit') && op.as.id_token_signing_alg_values_supported.includes('RS256'));

    // 'oidcc-redirect-uri-regfrag', 'oidcc-3rd_party-init-login-nohttps', and keys at both places
    const jwks = { keys: [] };
    for (const [wish, error] of [
      [{ redirect_uris: [`${CALLBACK}#x`] }, 'invalid_redirect_uri'],
      [{ initiate_login_uri: 'http://rp.example/login' }, 'invalid_client_metadata'],
      [{ jwks, jwks_uri: 'https://rp.example/jwks' }, 'invalid_client_metadata'],
    ]) {
      const answer = await post(op, op.as.registration_endpoint, { json: { redirect_uris: [CALLBACK], ...wish } });
      assert.deepEqual([answer.status, (await answer.json()).error], [400, error], JSON.stringify(wish));
    }
    // 'oidcc-registration-logo-uri', 'oidcc-registration-policy-uri', 'oidcc-registration-tos-uri', 'oidcc-3rd_party-init-login'
    const shown = { logo_uri: 'https://rp.example/logo.png', policy_uri: 'https://rp.example/policy', tos_uri: 'https://rp.example/tos' };
    const rp = await registered(op, { ...shown, initiate_login_uri: 'https://rp.example/login' });
    const login = await new Person(op.over, op.user).open(request(op, rp, {}), CALLBACK, () => true);
    for (const value of Object.values(shown)) assert.ok(login.html.includes(value), value);
    const own = { headers: { authorization: `Bearer ${rp.client.registration_access_token}` } };
    const again = await (await op.over(rp.client.registration_client_uri, own)).json();
    assert.equal(again.initiate_login_uri, 'https://rp.example/login');
    assert.equal((await op.over(rp.client.registration_client_uri, { ...own, method: 'DELETE' })).status, 204);

    // 'oidcc-redirect-uri-query-ok', '…-query-mismatch', '…-query-added'
    const query = await registered(op, { redirect_uris: [`${CALLBACK}?foo=bar`] });
    const visitor = new Person(op.over, op.user);
    const { at } = await visitor.open(request(op, query, { redirect_uri: `${CALLBACK}?foo=bar` }), CALLBACK);
    assert.ok(at.searchParams.get('foo') === 'bar' && at.searchParams.has('code'));
    for (const redirect_uri of [`${CALLBACK}?foo=baz`, `${CALLBACK}?foo=bar&bar=foo`, CALLBACK]) {
      const end = await visitor.open(request(op, query, { redirect_uri }), 'https://rp.example/');
      assert.ok(end.status >= 400 && !end.at, redirect_uri);
    }

    // 'oidcc-userinfo-rs256', with 'private_key_jwt' as the plan has it
    const signer = await keyed(op, 'RS256', { userinfo_signed_response_alg: 'RS256' });
    const { tokens, claims } = await signedIn(op, signer, new Person(op.over, op.user), {});
    const signed = await oauth.userInfoRequest(op.as, signer.client, tokens.access_token, op.options);
    const told = await oauth.processUserInfoResponse(op.as, { ...signer.client, userinfo_signed_response_alg: 'RS256' }, claims.sub, signed);
    await oauth.validateApplicationLevelSignature(op.as, signed, op.options);
    assert.equal(told.sub, claims.sub);
    // 'oidcc-server-rotate-keys'
    const kids = async () => (await (await op.over(op.as.jwks_uri)).json()).keys.map((key) => key.kid);
    const before = await kids();
    assert.equal(new Set(before).size, before.length, 'each key has a name of its own');
    await op.management.call('POST', 'keys/signing/rotate');
    const after = await kids();
    assert.ok(after.some((kid) => !before.includes(kid)) && after.includes(jose.decodeProtectedHeader(tokens.id_token).kid));
  },

  'rp-initiated logout: where it leads, and where it does not': async (tools) => {
    const op = await provider(tools);
    const out = 'https://rp.example/out';
    const rp = await registered(op, { post_logout_redirect_uris: [out] });
    const end = (changes) => address(op.as.end_session_endpoint, { post_logout_redirect_uri: out, state: 'x'.repeat(128), ...changes });
    const person = new Person(op.over, op.user);
    const { tokens } = await signedIn(op, rp, person, {});
    const [header, payload, signature] = tokens.id_token.split('.');
    const modified = [header, jose.base64url.encode(JSON.stringify({ ...jose.decodeJwt(tokens.id_token), sub: 'x' })), signature].join('.');
    // 'oidcc-rp-initiated-logout-bad-post-logout-redirect-uri', '-query-added-to-…', '-no-id-token-hint', '-modified-id-token-hint', '-bad-…'
    for (const bad of [
      { id_token_hint: tokens.id_token, post_logout_redirect_uri: `${out}/other` },
      { id_token_hint: tokens.id_token, post_logout_redirect_uri: `${out}?a=b` },
      { id_token_hint: undefined },
      { id_token_hint: modified },
      { id_token_hint: `${header}.${payload}.` },
    ]) {
      const page = await person.open(end(bad), 'https://rp.example/', () => true);
      assert.ok(page.status >= 400 && !page.at, JSON.stringify(bad));
    }
    await signedIn(op, rp, person, { prompt: 'none' });
    // 'oidcc-rp-initiated-logout-no-params': the user is asked
    const asked = await person.open(op.as.end_session_endpoint, out, () => true);
    assert.equal(asked.status, 200);
    await signedIn(op, rp, person, { prompt: 'none' });
    // 'oidcc-rp-initiated-logout'
    const done = await person.open(end({ id_token_hint: tokens.id_token }), out);
    assert.equal(done.said.get('state'), 'x'.repeat(128));
    refused(op, rp, (await person.open(request(op, rp, { prompt: 'none' }), CALLBACK)).said, 'login_required');
  },

  'FAPI 2.0: pushed, signed, answered as a token, bound to a key or a certificate': async (tools) => {
    const op = await provider(tools);
    const bank = await financial(op, 'fapi2_sp_pkj_mtls');
    const person = new Person(op.over, op.user);
    for (const binding of ['dpop', 'mtls']) {
      const keys = binding === 'dpop' ? await oauth.generateKeyPair('ES256') : undefined;
      const DPoP = keys && oauth.DPoP(bank.client, keys);
      const options = { ...op.options, DPoP, ...(!DPoP && { [oauth.customFetch]: op.withCertificate }) };
      // Where certificates are asked for.
      const as = DPoP ? op.as : { ...op.as, ...op.as.mtls_endpoint_aliases };
      const verifier = oauth.generateRandomCodeVerifier();
      const asked = {
        client_id: bank.client.client_id, response_type: 'code', response_mode: 'jwt', redirect_uri: CALLBACK, scope: 'openid', state: 's', nonce: 'n',
        code_challenge: await oauth.calculatePKCECodeChallenge(verifier), code_challenge_method: 'S256',
      };
      const object = await oauth.issueRequestObject(op.as, bank.client, asked, bank.key);
      const pushed = await retried(() => oauth.pushedAuthorizationRequest(op.as, bank.client, bank.auth, { request: object }, { ...op.options, DPoP }),
        (response) => oauth.processPushedAuthorizationResponse(op.as, bank.client, response));
      assert.ok(pushed.expires_in >= 5 && pushed.expires_in < 600);
      const named = { client_id: bank.client.client_id, request_uri: pushed.request_uri };
      const back = await person.open(address(op.as.authorization_endpoint, named), CALLBACK);
      const params = await oauth.validateJwtAuthResponse(op.as, bank.client, back.said, 's', op.options);
      const tokens = await retried(() => oauth.authorizationCodeGrantRequest(as, bank.client, bank.auth, params, CALLBACK, verifier, options),
        (response) => oauth.processAuthorizationCodeResponse(op.as, bank.client, response, { expectedNonce: 'n', requireIdToken: true }));
      assert.equal(tokens.token_type, DPoP ? 'dpop' : 'bearer');
      assert.equal(jose.decodeProtectedHeader(tokens.id_token).alg, 'PS256');
      const id = randomUUID();
      const told = await oauth.protectedResourceRequest(tokens.access_token, 'GET', new URL(as.userinfo_endpoint), new Headers({ 'x-fapi-interaction-id': id }), null, options);
      assert.deepEqual([told.status, told.headers.get('x-fapi-interaction-id')], [200, id]);
      // Without what it is bound to it is worth nothing.
      const headers = { authorization: `Bearer ${tokens.access_token}` };
      assert.equal((await op.over(op.as.userinfo_endpoint, { headers })).status, 401);
      // 'fapi2-security-profile-final-par-attempt-reuse-request_uri'
      assert.ok((await person.open(address(op.as.authorization_endpoint, named), CALLBACK)).status >= 400);
    }
    // '…-user-rejects-authentication': whoever is asked can say no
    await op.management.call('PATCH', `clients/${bank.client.client_id}`, { is_first_party: false, third_party_security_mode: 'permissive' });
    const asked = {
      client_id: bank.client.client_id, response_type: 'code', response_mode: 'jwt', redirect_uri: CALLBACK, scope: 'openid', state: 'x'.repeat(128),
      code_challenge: await oauth.calculatePKCECodeChallenge(oauth.generateRandomCodeVerifier()), code_challenge_method: 'S256',
    };
    const object = await oauth.issueRequestObject(op.as, bank.client, asked, bank.key);
    const { request_uri } = await (await oauth.pushedAuthorizationRequest(op.as, bank.client, bank.auth, { request: object }, op.options)).json();
    const other = Object.assign(new Person(op.over, op.user), { answer: 'decline' });
    const no = await other.open(address(op.as.authorization_endpoint, { client_id: bank.client.client_id, request_uri }), CALLBACK);
    await assert.rejects(oauth.validateJwtAuthResponse(op.as, bank.client, no.said, asked.state, op.options), { error: 'access_denied' });

    // '…-par-attempt-invalid-http-method', '…-ensure-unsigned-authorization-request-without-using-par-fails'
    assert.equal((await op.over(op.as.pushed_authorization_request_endpoint, { method: 'PUT' })).status, 405);
    refused(op, bank, (await person.open(request(op, bank, { response_mode: 'query' }), CALLBACK)).said, 'invalid_request');
    // '…-par-token-endpoint-as-audience-fails' and its neighbours; '…-ensure-signed-client-assertion-with-RS256-fails'
    for (const aud of [op.as.token_endpoint, op.as.pushed_authorization_request_endpoint, [op.issuer]]) {
      const auth = oauth.PrivateKeyJwt(bank.key, { [oauth.modifyAssertion]: (_, claims) => Object.assign(claims, { aud }) });
      const answer = await oauth.pushedAuthorizationRequest(op.as, bank.client, auth, { request: 'x' }, op.options);
      assert.deepEqual([answer.status, (await answer.json()).error], [401, 'invalid_client'], String(aud));
    }
  },

  'FAPI-CIBA: a signed question, an answer by mail, tokens that are bound to a certificate': async (tools) => {
    const op = await provider(tools);
    const bank = await financial(op, 'fapi1_adv_pkj_par');
    const [{ user_id: sub }] = await op.management.call('GET', `users-by-email?email=${encodeURIComponent(op.user.email)}`);
    const now = Math.floor(Date.now() / 1000);
    const claims = {
      scope: 'openid', login_hint: JSON.stringify({ format: 'iss_sub', iss: op.issuer, sub }), requested_expiry: 300,
      iss: bank.client.client_id, aud: op.issuer, iat: now, nbf: now, exp: now + 300, jti: randomUUID(),
    };
    // Each endpoint in the words of its own, as the plan has it.
    const speaking = (aud) => oauth.PrivateKeyJwt(bank.key, { [oauth.modifyAssertion]: (_, said) => Object.assign(said, { aud }) });
    const ask = async (changes) => {
      const object = new jose.SignJWT({ ...claims, ...changes }).setProtectedHeader({ alg: 'PS256', kid: bank.key.kid });
      const params = { request: await object.sign(bank.key.key) };
      return oauth.backchannelAuthenticationRequest(op.as, bank.client, speaking(op.as.backchannel_authentication_endpoint), params, op.options);
    };
    // 'fapi-ciba-id1-ensure-request-object-…'
    for (const bad of [{ aud: undefined }, { jti: undefined }, { nbf: undefined }, { exp: now + 4200 }, { nbf: now + 600 }, { iss: 'x' }]) {
      const answer = await ask(bad);
      assert.deepEqual([answer.status, (await answer.json()).error], [400, 'invalid_request'], JSON.stringify(bad));
    }
    const begun = await oauth.processBackchannelAuthenticationResponse(op.as, bank.client, await ask({}));
    const { mails } = await (await fetch(`${op.plain}dev/mail`, { headers: { accept: 'application/json' } })).json();
    const [path] = mails.find((mail) => mail.to === op.user.email).text.match(/\/u\/approve\S+/);
    const end = await new Person(op.over, op.user).open(new URL(path, op.issuer).href, CALLBACK);
    assert.match(end.html, /You confirmed/);
    const alias = { ...op.as, ...op.as.mtls_endpoint_aliases };
    const options = { ...op.options, [oauth.customFetch]: op.withCertificate };
    const fetched = await oauth.backchannelAuthenticationGrantRequest(alias, bank.client, speaking(alias.token_endpoint), begun.auth_req_id, options);
    assert.equal(fetched.headers.get('cache-control').includes('no-store'), true);
    const tokens = await oauth.processBackchannelAuthenticationGrantResponse(op.as, bank.client, fetched);
    assert.equal(oauth.getValidatedIdTokenClaims(tokens).sub, sub);
    const again = await oauth.backchannelAuthenticationGrantRequest(alias, bank.client, speaking(op.as.token_endpoint), begun.auth_req_id, options);
    assert.deepEqual([again.status, (await again.json()).error], [400, 'invalid_grant']);
  },
};

/** A server of its own, as the plans want it, and what a relying party knows of it. */
async function provider({ after }) {
  const chancery = await startChancery({ options: ['--fetch-networks', '127.0.0.1'] });
  after(() => chancery.stop());
  const management = new Management(chancery);
  await management.call('PATCH', 'tenants/settings', {
    flags: OPEN, dynamic_client_registration_security_mode: 'permissive', pushed_authorization_requests_supported: true,
    mtls: { enable_endpoint_aliases: true },
  });
  const strict = await fetch(`${chancery.issuer}api/chancery/v1/openid`, {
    method: 'PATCH',
    headers: { authorization: `Bearer ${await management.fetchToken()}`, 'content-type': 'application/json' },
    body: JSON.stringify({ oidc_strict: true }),
  });
  assert.equal(strict.status, 200);
  const over = fetchWith(chancery.ca_file, { shows: false });
  const options = { [oauth.customFetch]: over };
  const issuer = chancery.https_issuer;
  const found = await oauth.discoveryRequest(new URL(issuer), options);
  const as = await oauth.processDiscoveryResponse(new URL(issuer), found);
  const keys = async () => jose.createLocalJWKSet(await (await over(as.jwks_uri)).json());
  return {
    as, issuer, over, options, keys, management, user: chancery.user, plain: chancery.issuer, withCertificate: fetchWith(chancery.ca_file),
  };
}

/** An application that registers itself, and how it proves itself. */
async function registered(op, wish) {
  const metadata = { client_name: 'Suite', redirect_uris: [CALLBACK], contacts: ['certification@rp.example'], token_endpoint_auth_method: 'client_secret_basic', ...wish };
  const answer = await oauth.dynamicClientRegistrationRequest(op.as, metadata, op.options);
  const client = await oauth.processDynamicClientRegistrationResponse(answer);
  return { client, auth: client.client_secret ? oauth.ClientSecretBasic(client.client_secret) : undefined };
}

/** The same with a key. */
async function keyed(op, alg, wish) {
  const pair = await oauth.generateKeyPair(alg);
  const kid = randomUUID();
  const jwk = { ...(await jose.exportJWK(pair.publicKey)), kid, alg, use: 'sig' };
  const rp = await registered(op, { ...wish, token_endpoint_auth_method: 'private_key_jwt', jwks: { keys: [jwk] } });
  return { ...rp, auth: oauth.PrivateKeyJwt({ key: pair.privateKey, kid }) };
}

/** An application of the tenant's own under a financial profile. */
async function financial(op, level) {
  const pair = await oauth.generateKeyPair('PS256', { extractable: true });
  const kid = randomUUID();
  const pem = createPublicKey({ key: await jose.exportJWK(pair.publicKey), format: 'jwk' }).export({ type: 'spki', format: 'pem' });
  const credential = { credential_type: 'public_key', name: 'own', pem, alg: 'PS256', kid };
  const made = await op.management.call('POST', 'clients', {
    name: `Bank ${kid.slice(0, 8)}`, app_type: 'regular_web', oidc_conformant: true, callbacks: [CALLBACK], compliance_level: level,
    grant_types: ['authorization_code', 'refresh_token', CIBA], async_approval_notification_channels: ['email'],
    client_authentication_methods: { private_key_jwt: { credentials: [credential] } },
    signed_request_object: { required: true, credentials: [credential] },
  });
  const key = { key: pair.privateKey, kid };
  return { client: { client_id: made.client_id, id_token_signed_response_alg: 'PS256', authorization_signed_response_alg: 'PS256' }, key, auth: oauth.PrivateKeyJwt(key) };
}

function request(op, { client }, changes) {
  const usual = { client_id: client.client_id, response_type: 'code', redirect_uri: CALLBACK, scope: 'openid', state: 's', nonce: 'n' };
  return address(op.as.authorization_endpoint, { ...usual, ...changes });
}

function address(endpoint, params) {
  const url = new URL(endpoint);
  for (const [name, value] of Object.entries(params)) if (value !== undefined) url.searchParams.set(name, value);
  return url.href;
}

/** From the request to an ID token whose signature was looked at. */
async function signedIn(op, rp, person, changes) {
  const { at } = await person.open(request(op, rp, changes), CALLBACK);
  assert.ok(at, `arrives: ${JSON.stringify(changes)}`);
  const params = oauth.validateAuthResponse(op.as, rp.client, at, 's');
  const response = await redeem(op, rp, params);
  const tokens = await oauth.processAuthorizationCodeResponse(op.as, rp.client, response, { expectedNonce: 'n', requireIdToken: true });
  await oauth.validateApplicationLevelSignature(op.as, response, op.options);
  return { params, tokens, claims: oauth.getValidatedIdTokenClaims(tokens) };
}

function redeem(op, rp, params) {
  return oauth.authorizationCodeGrantRequest(op.as, rp.client, rp.auth, params, CALLBACK, oauth.nopkce, op.options);
}

/** Once more with the nonce, where a proof of possession needs one. */
async function retried(send, read) {
  try {
    return await read(await send());
  } catch (error) {
    if (!oauth.isDPoPNonceError(error)) throw error;
    return read(await send());
  }
}

function refused(op, rp, said, error) {
  assert.deepEqual([said?.get('error'), said?.get('state'), said?.get('iss')], [error, 's', op.issuer]);
  assert.ok(!said.has('code'));
}

function post(op, endpoint, { json, ...sent }) {
  const headers = json ? { 'content-type': 'application/json' } : sent.body ? { 'content-type': 'application/x-www-form-urlencoded' } : {};
  return op.over(endpoint, { method: 'POST', ...sent, headers: { ...headers, ...sent.headers }, ...(json && { body: JSON.stringify(json) }) });
}

/** Of an answer with more in it, what belongs to the code. */
function codeOf(said) {
  return new URLSearchParams([...said].filter(([name]) => ['code', 'state', 'iss'].includes(name)));
}

/** OpenID Connect Core 3.2.2.9. */
function half(text) {
  return createHash('sha256').update(text).digest().subarray(0, 16).toString('base64url');
}
