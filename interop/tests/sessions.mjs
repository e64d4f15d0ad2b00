// Ends of sessions in a real browser (OpenID Connect Front-Channel Logout, Session Management), details of authorization (RFC 9396)
// and encrypted access tokens (RFC 7516), as `openid-client` and `jose` see them.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import * as jose from 'jose';
import * as client from 'openid-client';

import { authorize } from '../lib/browser.mjs';

export default {
  'applications log out in frames, and the browser goes on': async (tools) => {
    const site = await application(tools);
    const settings = { frontchannel_logout_uri: `${site.origin}/out`, frontchannel_logout_session_required: true };
    const { config, callback, id } = await registered(tools, site, { oidc_logout: settings });
    const page = await tools.browser.page();
    const tokens = await signedIn(tools, page, { config, callback });
    const end = client.buildEndSessionUrl(config, {
      id_token_hint: tokens.id_token, post_logout_redirect_uri: `${site.origin}/bye`, state: 'later',
    });
    await page.goto(end.href);
    await page.waitForURL(`${site.origin}/bye?state=later`);
    const out = site.seen.find((url) => url.pathname === '/out');
    assert.deepEqual([out.searchParams.get('iss'), out.searchParams.get('sid')], [tools.chancery.issuer, tokens.claims().sid]);
    assert.deepEqual(page.noise.filter((line) => /Content Security Policy/.test(line)), []);
    assert.ok(id);
  },

  'the frame says whether the session is still there': async (tools) => {
    await tools.management.call('PATCH', 'tenants/settings', { flags: { enable_session_management: true } });
    tools.after(() => tools.management.call('PATCH', 'tenants/settings', { flags: { enable_session_management: false } }));
    const site = await application(tools);
    const { config, callback, id } = await registered(tools, site);
    const page = await tools.browser.page();
    let back;
    await signedIn(tools, page, { config, callback }, (url) => (back = url));
    const state = back.searchParams.get('session_state');
    const frame = config.serverMetadata().check_session_iframe;
    const asked = (message) =>
      page.evaluate(
        ([frame, message]) =>
          new Promise((resolve) => {
            const element = document.createElement('iframe');
            addEventListener('message', (event) => event.source === element.contentWindow && resolve(event.data));
            element.onload = () => element.contentWindow.postMessage(message, new URL(frame).origin);
            element.src = frame;
            document.body.append(element);
          }),
        [frame, message],
      );
    assert.equal(await asked(`${id} ${state}`), 'unchanged');
    assert.equal(await asked('nonsense'), 'error');
    assert.equal(await asked(`another ${state}`), 'changed');
    await page.context().clearCookies({ name: 'op_state' });
    assert.equal(await asked(`${id} ${state}`), 'changed');
  },

  'details of an authorization, in a token that the API alone reads': async (tools) => {
    const { publicKey, privateKey } = await jose.generateKeyPair('RSA-OAEP-256', { extractable: true });
    const identifier = `https://payments-${randomUUID().slice(0, 8)}.example`;
    await tools.management.call('POST', 'resource-servers', {
      identifier, name: 'Payments', scopes: [{ value: 'pay' }], authorization_details: [{ type: 'payment' }],
      token_encryption: { format: 'compact-nested-jwe', encryption_key: { name: 'key', alg: 'RSA-OAEP-256', kid: 'k', pem: await jose.exportSPKI(publicKey) } },
    });
    const site = await application(tools);
    const { config, callback } = await registered(tools, site);
    const details = [{ type: 'payment', amount: { value: '12.50', currency: 'EUR' } }];
    const page = await tools.browser.page();
    const tokens = await signedIn(tools, page, { config, callback, audience: identifier, scope: 'openid pay', details });
    assert.deepEqual(tokens.authorization_details, [{ type: 'payment' }]);
    const { plaintext, protectedHeader } = await jose.compactDecrypt(tokens.access_token, privateKey);
    assert.deepEqual([protectedHeader.cty, protectedHeader.kid], ['JWT', 'k']);
    const keys = jose.createRemoteJWKSet(new URL(config.serverMetadata().jwks_uri));
    const { payload } = await jose.jwtVerify(new TextDecoder().decode(plaintext), keys, { issuer: tools.chancery.issuer, audience: identifier });
    assert.deepEqual(payload.authorization_details, details);
  },
};

/** An application with pages of its own that remembers what was asked for. */
async function application(tools) {
  const seen = [];
  const server = createServer((request, response) => {
    seen.push(new URL(request.url, 'http://localhost'));
    response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' });
    response.end('<!doctype html><html lang="en"><title>Application</title><p>Application');
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  tools.after(() => (server.closeAllConnections(), new Promise((resolve) => server.close(resolve))));
  return { origin: `http://localhost:${server.address().port}`, seen };
}

async function registered(tools, site, more = {}) {
  const callback = `${site.origin}/callback`;
  const made = await tools.management.web(`Sessions ${randomUUID().slice(0, 8)}`, callback, {
    allowed_logout_urls: [`${site.origin}/bye`], ...more,
  });
  const authentication = client.ClientSecretPost(made.client_secret);
  const options = { execute: [client.allowInsecureRequests] };
  const config = await client.discovery(new URL(tools.chancery.issuer), made.client_id, undefined, authentication, options);
  return { config, callback, id: made.client_id };
}

async function signedIn(tools, page, { config, callback, audience, scope = 'openid', details }, heard = () => {}) {
  const verifier = client.randomPKCECodeVerifier();
  const request = client.buildAuthorizationUrl(config, {
    redirect_uri: callback, scope, code_challenge: await client.calculatePKCECodeChallenge(verifier), code_challenge_method: 'S256',
    ...(audience && { audience }), ...(details && { authorization_details: JSON.stringify(details) }),
  });
  const back = await authorize(page, request.href, tools.chancery.user, callback);
  heard(new URL(back));
  return client.authorizationCodeGrant(config, new URL(back), { pkceCodeVerifier: verifier });
}
