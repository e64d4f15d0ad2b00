// The device authorization grant (RFC 8628): openid-client is the device, Chromium the telephone of its user.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import * as client from 'openid-client';

import { accept, decline, logIn } from '../lib/browser.mjs';
import { inspect, pictures } from '../lib/inspect.mjs';
import { claims } from '../lib/tokens.mjs';

const GRANT = 'urn:ietf:params:oauth:grant-type:device_code';

export default {
  'the code is typed: confirmation, login, consent, tokens, refresh': async (tools) => {
    const { config, application, codes } = await started(tools);
    assert.equal(codes.expires_in, 900);
    assert.equal(codes.interval, 5);
    const tokens = client.pollDeviceAuthorizationGrant(config, codes);

    const page = await tools.browser.page();
    const answer = await page.goto(codes.verification_uri);
    const policy = answer.headers()['content-security-policy'];
    assert.match(policy, /frame-ancestors 'none'/);
    assert.doesNotMatch(policy, /unsafe-|script-src/);
    await inspect(page, 'device code');
    await pictures(page, 'device-code');
    assert.equal(await page.locator('input#user_code').evaluate((field) => field === document.activeElement), true);
    await type(page, 'BBBB-BBBB');
    const error = page.locator('#user_code-error');
    assert.match(await error.innerText(), /No device is waiting/);
    assert.equal(await page.locator('input#user_code').getAttribute('aria-describedby'), 'user_code-error');
    await inspect(page, 'device code with an error');
    await pictures(page, 'device-code-error');

    await type(page, codes.user_code.toLowerCase().replace('-', ' '));
    await page.getByRole('heading', { name: application.name }).waitFor();
    assert.match(await page.locator('main').innerText(), new RegExp(codes.user_code));
    await inspect(page, 'device confirmation');
    await pictures(page, 'device-confirm');
    await confirm(page);
    await logIn(page, tools.chancery.user);
    await page.getByRole('button', { name: 'Accept', exact: true }).waitFor();
    assert.doesNotMatch(await page.locator('main').innerText(), /You will be sent to/);
    await accept(page);
    await page.getByRole('heading', { name: 'Your device is connected' }).waitFor();
    await inspect(page, 'device connected');
    await pictures(page, 'device-done');
    await page.reload();
    await page.getByRole('heading', { name: 'Your device is connected' }).waitFor();

    const got = await tokens;
    assert.equal(got.scope, 'openid profile offline_access read:contacts');
    assert.equal(got.claims().aud, application.client_id);
    const access = claims(got.access_token);
    assert.deepEqual(access.aud, [tools.chancery.api.identifier, `${tools.chancery.issuer}userinfo`]);
    const person = await client.fetchUserInfo(config, got.access_token, got.claims().sub);
    assert.equal(person.sub, access.sub);
    const again = await client.refreshTokenGrant(config, got.refresh_token);
    assert.equal(claims(again.access_token).sub, access.sub);
    await assert.rejects(client.pollDeviceAuthorizationGrant(config, { ...codes, interval: 0 }), { error: 'invalid_grant' });
  },

  'a link brings the code along: no second login, and nothing happens before the answer': async (tools) => {
    const first = await started(tools);
    const page = await tools.browser.page();
    await page.goto(first.codes.verification_uri_complete);
    await confirm(page);
    await logIn(page, tools.chancery.user);
    await accept(page);
    await page.getByRole('heading', { name: 'Your device is connected' }).waitFor();
    await client.pollDeviceAuthorizationGrant(first.config, first.codes);

    const codes = await begin(first.config, tools);
    await page.goto(codes.verification_uri_complete);
    await page.getByRole('heading', { name: first.application.name }).waitFor();
    assert.match(await page.locator('main').innerText(), new RegExp(tools.chancery.user.email.replaceAll('.', '\\.')));
    await inspect(page, 'device confirmation of somebody logged in');
    await pictures(page, 'device-confirm-known');
    const early = await poll(tools, first.application, codes);
    assert.deepEqual([early.status, (await early.json()).error], [403, 'authorization_pending']);
    const earlier = await poll(tools, first.application, codes);
    assert.deepEqual([earlier.status, (await earlier.json()).error], [429, 'slow_down']);
    await confirm(page);
    // Agreed to before, so nothing is left to ask.
    await page.getByRole('heading', { name: 'Your device is connected' }).waitFor();
    const got = await client.pollDeviceAuthorizationGrant(first.config, { ...codes, interval: 0 });
    assert.ok(got.refresh_token);
  },

  'no is an answer: to the device, and to what it asks for': async (tools) => {
    const { config, application, codes } = await started(tools);
    const page = await tools.browser.page();
    await page.goto(codes.verification_uri_complete);
    await page.getByRole('button', { name: 'Cancel', exact: true }).click();
    await page.getByRole('heading', { name: 'The device was not connected' }).waitFor();
    await inspect(page, 'device refused');
    await pictures(page, 'device-denied');
    await assert.rejects(client.pollDeviceAuthorizationGrant(config, { ...codes, interval: 0 }), { error: 'access_denied' });

    const second = await begin(config, tools);
    await page.goto(second.verification_uri_complete);
    await confirm(page);
    await logIn(page, tools.chancery.user);
    await decline(page);
    await page.getByRole('heading', { name: 'The device was not connected' }).waitFor();
    const told = await poll(tools, application, second);
    assert.equal((await told.json()).error_description, 'User cancelled the confirmation prompt.');
  },

  'without JavaScript, in German, with a client secret': async (tools) => {
    const secret = { token_endpoint_auth_method: 'client_secret_post', name: `Kasse ${randomUUID().slice(0, 8)}` };
    const { config, application, codes } = await started(tools, secret);
    const page = await tools.browser.page({ javaScriptEnabled: false, locale: 'de-DE' });
    await page.goto(codes.verification_uri);
    assert.equal(await page.locator('html').getAttribute('lang'), 'de');
    await page.locator('input#user_code').fill(codes.user_code);
    await page.getByRole('button', { name: 'Weiter', exact: true }).click();
    await page.getByRole('heading', { name: application.name }).waitFor();
    await pictures(page, 'device-confirm-de');
    await page.getByRole('button', { name: 'Bestätigen', exact: true }).click();
    await page.locator('input#username').fill(tools.chancery.user.email);
    await page.locator('input#password').fill(tools.chancery.user.password);
    await page.locator('button[name=action]').click();
    await page.locator('button[value=accept]').click();
    await page.getByRole('heading', { name: 'Ihr Gerät ist verbunden' }).waitFor();
    await pictures(page, 'device-done-de');
    const got = await client.pollDeviceAuthorizationGrant(config, { ...codes, interval: 0 });
    assert.equal(got.claims().aud, application.client_id);
  },
};

/** A television and the codes that it shows. */
async function started(tools, more = {}) {
  const { issuer } = tools.chancery;
  const application = await tools.management.call('POST', 'clients', {
    name: `Television ${randomUUID().slice(0, 8)}`, app_type: 'native', token_endpoint_auth_method: 'none',
    oidc_conformant: true, grant_types: [GRANT, 'refresh_token'], ...more,
  });
  const authentication = application.token_endpoint_auth_method === 'none'
    ? client.None() : client.ClientSecretPost(application.client_secret);
  const options = { execute: [client.allowInsecureRequests] };
  const config = await client.discovery(new URL(issuer), application.client_id, {}, authentication, options);
  assert.equal(config.serverMetadata().device_authorization_endpoint, `${issuer}oauth/device/code`);
  return { application, config, codes: await begin(config, tools) };
}

function begin(config, { chancery }) {
  return client.initiateDeviceAuthorization(config, {
    audience: chancery.api.identifier,
    scope: 'openid profile offline_access read:contacts',
  });
}

/** One poll by hand, which the library would wait for. */
function poll({ chancery }, application, codes) {
  const body = { grant_type: GRANT, client_id: application.client_id, device_code: codes.device_code };
  return fetch(`${chancery.issuer}oauth/token`, { method: 'POST', body: new URLSearchParams(body) });
}

async function type(page, code) {
  await page.locator('input#user_code').fill(code);
  await page.getByRole('button', { name: 'Continue', exact: true }).click();
}

async function confirm(page) {
  await page.getByRole('button', { name: 'Confirm', exact: true }).click();
}
