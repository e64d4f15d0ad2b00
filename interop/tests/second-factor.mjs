// Second factors: Chromium is the browser, an independent library reads the QR code and shows the codes, openid-client is the
// application, and auth0-auth-js the one that sees to its users' factors.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { AuthClient } from '@auth0/auth0-auth-js';
import jsqr from 'jsqr';
import { URI } from 'otpauth';
import * as client from 'openid-client';
import { PNG } from 'pngjs';

import { logIn } from '../lib/browser.mjs';
import { inspect, pictures } from '../lib/inspect.mjs';

const MULTI_FACTOR = 'http://schemas.openid.net/pape/policies/2007/06/multi-factor';
const MFA_OTP = 'http://auth0.com/oauth/grant-type/mfa-otp';
const MFA_OOB = 'http://auth0.com/oauth/grant-type/mfa-oob';
const MFA_RECOVERY = 'http://auth0.com/oauth/grant-type/mfa-recovery-code';
const REALM = 'http://auth0.com/oauth/grant-type/password-realm';

export default {
  'an application asks: QR code, recovery code, step-up, and the code at the next sign-in': async (tools) => {
    const { config, user, redirect } = await started(tools, []);
    const page = await tools.browser.page();
    await begin(page, config, redirect, {});
    await logIn(page, user);
    assert.equal((await tokens(page, config, redirect)).claims().amr, undefined);

    // Step-up: the session is there, the second factor is not.
    await begin(page, config, redirect, { acr_values: MULTI_FACTOR });
    await page.getByRole('heading', { name: 'Secure your account' }).waitFor();
    await inspect(page, 'enrolment of a second factor');
    await pictures(page, 'second-factor-enrolment');
    const phone = await scan(page);
    assert.equal(phone.label, user.email);
    const typed = (await page.locator('#secret').innerText()).replaceAll(' ', '');
    assert.equal(typed, phone.secret.base32);
    await enter(page, '000 000');
    assert.match(await page.locator('#code-error').innerText(), /not right/);
    await inspect(page, 'enrolment with an error');
    await enter(page, await now(tools, phone));
    await page.getByRole('heading', { name: 'Keep your recovery code' }).waitFor();
    await inspect(page, 'recovery code');
    await pictures(page, 'recovery-code');
    const recovery = await page.locator('#recovery-code').innerText();
    await page.locator('#saved').check();
    await page.getByRole('button', { name: 'Continue', exact: true }).click();
    const first = await tokens(page, config, redirect);
    assert.deepEqual(first.claims().amr, ['mfa']);
    assert.equal(first.claims().acr, MULTI_FACTOR);

    // Another browser, without JavaScript: the recovery code gets in, once.
    const other = await tools.browser.page({ javaScriptEnabled: false });
    await begin(other, config, redirect, { acr_values: MULTI_FACTOR });
    await logIn(other, user);
    await other.getByRole('heading', { name: 'Verify your identity' }).waitFor();
    await inspectable(other);
    await other.getByRole('link', { name: /recovery code/ }).click();
    await enter(other, recovery);
    await other.getByRole('heading', { name: 'Keep your recovery code' }).waitFor();
    assert.notEqual(await other.locator('#recovery-code').innerText(), recovery);
    await other.locator('#saved').check();
    await other.getByRole('button', { name: 'Continue', exact: true }).click();
    assert.deepEqual((await tokens(other, config, redirect)).claims().amr, ['mfa']);

    // A third one: the code of the application.
    await advance(tools, 30);
    const third = await tools.browser.page();
    await begin(third, config, redirect, { acr_values: MULTI_FACTOR });
    await logIn(third, user);
    await third.getByRole('heading', { name: 'Verify your identity' }).waitFor();
    await inspect(third, 'second factor');
    await pictures(third, 'second-factor');
    assert.equal(await third.locator('input#code').evaluate((field) => field === document.activeElement), true);
    await enter(third, await now(tools, phone));
    assert.deepEqual((await tokens(third, config, redirect)).claims().amr, ['mfa']);
  },

  'an application with its own login: mfa_required, association, codes': async (tools) => {
    const { config, user } = await started(tools, ['all-applications']);
    const password = {
      username: user.email, password: user.password, realm: 'Username-Password-Authentication',
      scope: 'openid read:contacts', audience: tools.chancery.api.identifier,
    };
    const asked = await refused(client.genericGrantRequest(config, REALM, password));
    assert.equal(asked.error, 'mfa_required');
    assert.deepEqual(asked.mfa_requirements, { enroll: [{ type: 'otp' }] });
    const { mfa_token } = asked;
    const made = await mfa(tools, mfa_token, 'associate', { authenticator_types: ['otp'] });
    const phone = URI.parse(made.barcode_uri);
    assert.equal(phone.secret.base32, made.secret);
    const wrong = await refused(client.genericGrantRequest(config, MFA_OTP, { mfa_token, otp: '000000' }));
    assert.equal(wrong.error_description, 'Invalid otp_code.');
    const otp = await now(tools, phone);
    const got = await client.genericGrantRequest(config, MFA_OTP, { mfa_token, otp });
    assert.equal(got.claims().sub, user.user_id);

    const again = await refused(client.genericGrantRequest(config, REALM, password));
    assert.deepEqual(again.mfa_requirements, { challenge: [{ type: 'otp' }] });
    const spent = await refused(client.genericGrantRequest(config, MFA_OTP, { mfa_token: again.mfa_token, otp }));
    assert.equal(spent.error, 'invalid_grant');
    const recovered = await client.genericGrantRequest(config, MFA_RECOVERY, {
      mfa_token: again.mfa_token, recovery_code: made.recovery_codes[0],
    });
    assert.match(recovered.recovery_code, /^[A-Z2-9]{24}$/);
  },

  'a code by mail instead: on the page, and by an application with its own login': async (tools) => {
    const { config, user, redirect } = await started(tools, ['all-applications']);
    const password = { username: user.email, password: user.password, realm: 'Username-Password-Authentication', scope: 'openid' };
    const waiting = async () => (await refused(client.genericGrantRequest(config, REALM, password))).mfa_token;
    const first = await waiting();
    const made = await mfa(tools, first, 'associate', { authenticator_types: ['otp'] });
    const otp = await now(tools, URI.parse(made.barcode_uri));
    await client.genericGrantRequest(config, MFA_OTP, { mfa_token: first, otp });
    await tools.management.call('PUT', 'guardian/factors/email', { enabled: true });
    tools.after(() => tools.management.call('PUT', 'guardian/factors/email', { enabled: false }));

    const page = await tools.browser.page();
    await begin(page, config, redirect, {});
    await logIn(page, user);
    await page.getByRole('link', { name: 'Get a code by email instead' }).click();
    await page.getByText('We sent a code to').waitFor();
    assert.doesNotMatch(await page.locator('main').innerText(), new RegExp(`sent a code to ${user.email}`), 'the password alone tells no address');
    await inspect(page, 'mailed second factor');
    await pictures(page, 'mailed-second-factor');
    const code = await mailedCode(tools, user);
    await enter(page, code === '000000' ? '111111' : '000000');
    await page.locator('#code-error').waitFor();
    await inspect(page, 'mailed second factor, refused');
    await page.getByRole('button', { name: 'Send again' }).click();
    await page.getByText('We sent a code to').waitFor();
    await enter(page, await mailedCode(tools, user));
    assert.deepEqual((await tokens(page, config, redirect)).claims().amr, ['mfa']);

    const mfa_token = await waiting();
    const { client_id } = config.clientMetadata();
    const challenge = { client_id, client_secret: config.secret, challenge_type: 'oob', mfa_token };
    const { oob_code, binding_method } = await mfa(tools, mfa_token, 'challenge', challenge);
    assert.equal(binding_method, 'prompt');
    const binding_code = await mailedCode(tools, user);
    const got = await client.genericGrantRequest(config, MFA_OOB, { mfa_token, oob_code, binding_code });
    assert.equal(got.claims().sub, user.user_id);
  },

  'the MFA client of an SDK: enrol, list, challenge, mailed code, one more, delete': async (tools) => {
    const { config, user } = await started(tools, ['all-applications']);
    const { issuer } = tools.chancery;
    const { client_id: clientId } = config.clientMetadata();
    // The SDK knows https alone, and the test server http.
    const customFetch = (url, init) => fetch(String(url).replace(/^https:/, new URL(issuer).protocol), init);
    const factors = new AuthClient({ domain: new URL(issuer).host, clientId, clientSecret: config.secret, customFetch }).mfa;
    const password = {
      username: user.email, password: user.password, realm: 'Username-Password-Authentication',
      audience: `${issuer}mfa/`, scope: 'enroll read:authenticators remove:authenticators',
    };
    const waiting = async () => (await refused(client.genericGrantRequest(config, REALM, password))).mfa_token;

    let mfaToken = await waiting();
    assert.deepEqual(await factors.listAuthenticators({ mfaToken }), []);
    assert.equal((await refused(factors.challengeAuthenticator({ mfaToken, challengeType: 'otp' }))).error, 'association_required');
    const sms = { mfaToken, authenticatorTypes: ['oob'], oobChannels: ['sms'], phoneNumber: '+15550100' };
    assert.equal((await refused(factors.enrollAuthenticator(sms))).error, 'unsupported_challenge_type');
    const made = await factors.enrollAuthenticator({ mfaToken, authenticatorTypes: ['otp'] });
    assert.equal(made.recoveryCodes.length, 1);
    const first = URI.parse(made.barcodeUri);
    const signedIn = await client.genericGrantRequest(config, MFA_OTP, { mfa_token: mfaToken, otp: await now(tools, first) });
    assert.equal(signedIn.scope, password.scope);
    assert.equal(signedIn.expires_in, 600);

    // At the next sign-in a code by mail.
    await tools.management.call('PUT', 'guardian/factors/email', { enabled: true });
    tools.after(() => tools.management.call('PUT', 'guardian/factors/email', { enabled: false }));
    mfaToken = await waiting();
    const all = await factors.listAuthenticators({ mfaToken });
    assert.deepEqual(all.map(({ type, active }) => [type, active]), [['otp', true], ['recovery-code', true], ['email', true]]);
    assert.deepEqual(await factors.challengeAuthenticator({ mfaToken, challengeType: 'otp' }), { challengeType: 'otp' });
    const { oobCode, bindingMethod } = await factors.challengeAuthenticator({ mfaToken, challengeType: 'oob', authenticatorId: all[2].id });
    assert.equal(bindingMethod, 'prompt');
    const shown = { mfa_token: mfaToken, oob_code: oobCode, binding_code: await mailedCode(tools, user) };
    const byMail = await client.genericGrantRequest(config, MFA_OOB, shown);

    // With the token of that sign-in one more is made, and the first one taken away.
    const token = byMail.access_token;
    const more = await factors.enrollAuthenticator({ mfaToken: token, authenticatorTypes: ['otp'] });
    assert.equal(more.recoveryCodes, undefined);
    const second = URI.parse(more.barcodeUri);
    await client.genericGrantRequest(config, MFA_OTP, { mfa_token: token, otp: await now(tools, second) });
    const remove = (mfaToken, authenticatorId) => factors.deleteAuthenticator({ mfaToken, authenticatorId });
    assert.equal((await refused(remove(await waiting(), all[0].id))).error, 'insufficient_scope');
    assert.equal((await refused(remove(token, 'totp|dev_nothing'))).error, 'not_found');
    await remove(token, all[0].id);
    const left = await factors.listAuthenticators({ mfaToken: token });
    assert.deepEqual(left.map(({ type }) => type).toSorted(), ['email', 'otp', 'recovery-code']);
    assert.ok(!left.some(({ id }) => id === all[0].id));
    await remove(token, left.find(({ type }) => type === 'otp').id);
    assert.deepEqual(await factors.listAuthenticators({ mfaToken: token }), []);
  },
};

/** A call of the MFA API. */
async function mfa({ chancery }, token, path, body) {
  const response = await fetch(`${chancery.issuer}mfa/${path}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  return response.json();
}

/** The code in the newest mail to the user. */
async function mailedCode({ chancery }, { email }) {
  const { mails } = await (await fetch(`${chancery.issuer}dev/mail`, { headers: { accept: 'application/json' } })).json();
  return mails.find((mail) => mail.to === email).text.match(/code is (\d{6})/)[1];
}

/** A tenant with second factors, an application, and a user who has none yet. */
async function started(tools, policies) {
  const { issuer } = tools.chancery;
  const call = (method, path, body) => tools.management.call(method, path, body);
  for (const factor of ['otp', 'recovery-code']) await call('PUT', `guardian/factors/${factor}`, { enabled: true });
  await call('PUT', 'guardian/policies', policies);
  tools.after(async () => {
    await call('PUT', 'guardian/policies', []);
    for (const factor of ['otp', 'recovery-code']) await call('PUT', `guardian/factors/${factor}`, { enabled: false });
  });
  const name = randomUUID().slice(0, 8);
  const redirect = 'https://app.example/callback';
  const application = await call('POST', 'clients', {
    name: `Bank ${name}`, app_type: 'regular_web', token_endpoint_auth_method: 'client_secret_post', oidc_conformant: true,
    callbacks: [redirect], grant_types: ['authorization_code', REALM, MFA_OTP, MFA_OOB, MFA_RECOVERY],
  });
  const secret = 'Long-Enough-4-Anybody';
  const email = `person-${name}@example.com`;
  const connection = 'Username-Password-Authentication';
  const [database] = await call('GET', `connections?name=${connection}`);
  await call('PATCH', `connections/${database.id}/clients`, [{ client_id: application.client_id, status: true }]);
  const user = await call('POST', 'users', { connection, email, password: secret, email_verified: true });
  const config = await client.discovery(
    new URL(issuer), application.client_id, {}, client.ClientSecretPost(application.client_secret),
    { execute: [client.allowInsecureRequests] },
  );
  config.secret = application.client_secret;
  assert.equal(config.serverMetadata().mfa_challenge_endpoint, `${issuer}mfa/challenge`);
  return { config, redirect, user: { email, password: secret, user_id: user.user_id } };
}

/** Opens the request; what comes back stops at the application's address. */
async function begin(page, config, redirect, more) {
  page.callback = new Promise((resolve) => {
    page.route('https://app.example/**', (route) => {
      resolve(new URL(route.request().url()));
      return route.fulfill({ body: 'back' });
    });
  });
  page.nonce = client.randomNonce();
  const url = client.buildAuthorizationUrl(config, {
    redirect_uri: redirect, scope: 'openid', nonce: page.nonce, state: 'xyz', ...more,
  });
  await page.goto(url.href);
}

async function tokens(page, config) {
  const callback = await page.callback;
  await page.unrouteAll({ behavior: 'wait' });
  return client.authorizationCodeGrant(config, callback, { expectedNonce: page.nonce, expectedState: 'xyz' });
}

/** What the camera of a telephone makes of the picture. */
async function scan(page) {
  const picture = PNG.sync.read(await page.locator('svg.qr').screenshot());
  const found = jsqr(new Uint8ClampedArray(picture.data), picture.width, picture.height);
  assert.ok(found, 'the QR code can be read');
  return URI.parse(found.data);
}

async function enter(page, code) {
  await page.locator('input#code').fill(code);
  await page.getByRole('button', { name: 'Continue', exact: true }).click();
}

/** No script runs there, so this looks at the markup alone. */
async function inspectable(page) {
  assert.equal(await page.locator('input#code').getAttribute('autocomplete'), 'one-time-code');
}

/** Moves the clock of the server until the test is over: clients of the suites that follow go by their own. */
async function advance(tools, seconds) {
  await move(tools, seconds);
  tools.after(() => move(tools, -seconds));
}

async function move({ chancery }, seconds) {
  const response = await fetch(`${chancery.issuer}dev/clock`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ advance: seconds }),
  });
  assert.equal(response.status, 200);
}

/** The code by the clock of the server, which tests may have moved. */
async function now({ chancery }, phone) {
  const response = await fetch(`${chancery.issuer}dev/clock`);
  return phone.generate({ timestamp: 1000 * (await response.json()).now });
}

/** The body of a refusal. */
async function refused(promise) {
  const error = await promise.then(() => assert.fail('it was granted'), (reason) => reason);
  return error.cause;
}
