// Security keys and passkeys: Chromium with the authenticator of its developer tools is the browser, openid-client the
// application.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import * as client from 'openid-client';

import { logIn } from '../lib/browser.mjs';
import { inspect, pictures } from '../lib/inspect.mjs';
import { serveSite } from '../lib/site.mjs';

const MULTI_FACTOR = 'http://schemas.openid.net/pape/policies/2007/06/multi-factor';
const CONNECTION = 'Username-Password-Authentication';

export default {
  'a security key as second factor: made, asked for at step-up, refused where it is another one': async (tools) => {
    await switched(tools, ['webauthn-roaming', 'otp', 'recovery-code']);
    const { config, user, redirect } = await started(tools);
    const page = await tools.browser.page();
    await key(page, { transport: 'usb' });
    await begin(page, config, redirect, { acr_values: MULTI_FACTOR });
    await logIn(page, user);
    await page.getByRole('heading', { name: 'Secure your account' }).waitFor();
    await page.getByRole('link', { name: 'Use a security key instead' }).click();
    await page.getByRole('button', { name: 'Set up a security key' }).waitFor();
    await inspect(page, 'a security key is made');
    await pictures(page, 'security-key-enrolment');
    await page.getByRole('button', { name: 'Set up a security key' }).click();
    await page.getByRole('heading', { name: 'Keep your recovery code' }).waitFor();
    await page.locator('#saved').check();
    await page.getByRole('button', { name: 'Continue', exact: true }).click();
    assert.deepEqual((await tokens(page, config)).claims().amr, ['mfa']);

    // Signed out, and in again with the password: step-up asks for the key.
    await page.context().clearCookies();
    await begin(page, config, redirect, {});
    await logIn(page, user);
    assert.equal((await tokens(page, config)).claims().amr, undefined);
    await begin(page, config, redirect, { acr_values: MULTI_FACTOR });
    await page.getByRole('button', { name: 'Continue', exact: true }).waitFor();
    await inspect(page, 'a security key is asked for');
    await pictures(page, 'security-key');
    await page.getByRole('button', { name: 'Continue', exact: true }).click();
    const stepped = (await tokens(page, config)).claims();
    assert.deepEqual([stepped.amr, stepped.acr], [['mfa'], MULTI_FACTOR]);

    // A browser with another key, and one without JavaScript: a clear word, and other ways.
    const other = await tools.browser.page();
    await key(other, { transport: 'usb' });
    await begin(other, config, redirect, { acr_values: MULTI_FACTOR });
    await logIn(other, user);
    await other.getByRole('button', { name: 'Continue', exact: true }).click();
    await other.getByText('That did not work').waitFor();
    await inspect(other, 'a security key failed');
    await other.getByRole('link', { name: /recovery code/ }).waitFor();
    const plain = await tools.browser.page({ javaScriptEnabled: false });
    await begin(plain, config, redirect, { acr_values: MULTI_FACTOR });
    await logIn(plain, user);
    await plain.locator('noscript .alert').waitFor();
    await plain.getByRole('link', { name: /recovery code/ }).click();
    await plain.locator('input#code').waitFor();
    for (const one of [page, other, plain]) assert.deepEqual(one.noise, []);
  },

  'a passkey: offered after a login, then the button, then the field alone': async (tools) => {
    await passkeys(tools, { challenge_ui: 'button', progressive_enrollment_enabled: true });
    const { config, user, redirect } = await started(tools);
    const page = await tools.browser.page();
    const authenticator = await key(page, { transport: 'internal' });
    await begin(page, config, redirect, {});
    await page.getByRole('button', { name: 'Continue with a passkey' }).waitFor();
    await inspect(page, 'login with a passkey');
    await pictures(page, 'login-passkey');
    await logIn(page, user);
    await page.getByRole('heading', { name: 'Log in without a password next time' }).waitFor();
    await inspect(page, 'a passkey is offered');
    await pictures(page, 'passkey-offer');
    await page.getByRole('button', { name: 'Create a passkey' }).click();
    assert.equal((await tokens(page, config)).claims().sub, user.user_id);
    const [held] = await authenticator.held();
    assert.equal(held.isResidentCredential, true);
    assert.equal(Buffer.from(held.userHandle, 'base64').includes(user.user_id), false);

    await page.context().clearCookies();
    await begin(page, config, redirect, {});
    await page.getByRole('button', { name: 'Continue with a passkey' }).click();
    const claims = (await tokens(page, config)).claims();
    assert.deepEqual([claims.sub, claims.amr, claims.acr], [user.user_id, ['mfa'], MULTI_FACTOR]);

    // The field: this authenticator answers for a person who takes what the browser offers.
    await passkeys(tools, { challenge_ui: 'autofill', progressive_enrollment_enabled: true });
    await page.context().clearCookies();
    await begin(page, config, redirect, {});
    assert.equal((await tokens(page, config)).claims().sub, user.user_id);

    // Its counter went back, as a copy's does: refused, and the password is still good.
    await passkeys(tools, { challenge_ui: 'button', progressive_enrollment_enabled: true });
    await authenticator.replace({ ...held, signCount: 0 });
    await page.context().clearCookies();
    await begin(page, config, redirect, {});
    await page.getByRole('button', { name: 'Continue with a passkey' }).click();
    await page.getByText('This passkey was not accepted').waitFor();
    await inspect(page, 'a passkey was refused');
    await logIn(page, user);
    assert.equal((await tokens(page, config)).claims().sub, user.user_id);
    // The refusal is a page with status 400, of which the console speaks.
    assert.deepEqual(page.noise.filter((line) => !line.includes('status of 400')), []);
  },

  'an application that asks for passkeys itself (auth0-spa-js): sign-up, login, and a foreign page': async (tools) => {
    await passkeys(tools, { challenge_ui: 'button', progressive_enrollment_enabled: false });
    const { page, application, site } = await embedded(tools);
    const authenticator = await key(page, { transport: 'internal' });
    const email = `native-${randomUUID().slice(0, 8)}@example.com`;
    const realm = CONNECTION;
    const claims = (tokens) => JSON.parse(Buffer.from(tokens.id_token.split('.')[1], 'base64url'));
    const made = await page.evaluate((options) => client.passkey.signup(options), { email, realm, givenName: 'Nat' });
    const first = claims(made);
    assert.deepEqual([first.email, first.given_name, first.amr, first.aud], [email, 'Nat', ['mfa'], application.client_id]);
    const [held] = await authenticator.held();
    assert.equal(held.rpId, 'localhost');
    const again = await page.evaluate((options) => client.passkey.login(options), { realm });
    assert.equal(claims(again).sub, first.sub);
    // What the SDK makes of a refusal.
    const refused = (call) => page.evaluate(call, { email, realm });
    const exists = await refused((options) => client.passkey.signup(options).catch((error) => [error.code, error.cause?.error]));
    assert.deepEqual(exists, ['passkey_register_error', 'invalid_request']);
    // The same page, once the application does not name it any more.
    await tools.management.call('PATCH', `clients/${application.client_id}`, { web_origins: [], allowed_origins: [] });
    const foreign = await refused((options) => client.passkey.login(options).catch((error) => error.error ?? error.code));
    assert.equal(foreign, 'invalid_grant');
    assert.ok(site.origin.startsWith('http://localhost'));
  },

  'keys on the own page: one is added after a fresh login, named, and taken away': async (tools) => {
    await passkeys(tools, { challenge_ui: 'button', progressive_enrollment_enabled: false });
    await switched(tools, ['otp', 'webauthn-roaming']);
    const { user } = await started(tools);
    const page = await tools.browser.page();
    await key(page, { transport: 'internal' });
    await page.goto(new URL('/u/account/keys', tools.chancery.issuer).href);
    await logIn(page, user);
    await page.getByRole('heading', { name: 'Your ways to log in' }).waitFor();
    await inspect(page, 'own keys, none');
    await pictures(page, 'own-keys-none');
    await page.getByRole('button', { name: 'Create a passkey' }).click();
    await page.getByRole('heading', { name: 'Add a way to prove who you are' }).waitFor();
    await inspect(page, 'a passkey is added');
    await pictures(page, 'passkey-added');
    await page.getByRole('button', { name: 'Create a passkey' }).click();
    await page.getByRole('heading', { name: 'Passkey', exact: true }).waitFor();
    await inspect(page, 'own keys');
    await pictures(page, 'own-keys');
    await page.getByRole('button', { name: 'Set up an authenticator app' }).click();
    await page.getByRole('img', { name: /QR code/ }).waitFor();
    await inspect(page, 'an authenticator app is added');
    await pictures(page, 'otp-added');
    await page.getByRole('link', { name: 'Back without adding anything' }).click();
    await page.getByRole('button', { name: 'Remove' }).click();
    await page.getByText('Your change is saved.').waitFor();
    assert.equal(await page.getByRole('button', { name: 'Remove' }).count(), 0);
    assert.deepEqual(page.noise, []);
  },

  'a ticket of an administrator: a key is made by its link, once': async (tools) => {
    await switched(tools, ['webauthn-roaming', 'otp', 'recovery-code']);
    const { user } = await started(tools);
    const { ticket_url } = await tools.management.call('POST', 'guardian/enrollments/ticket', { user_id: user.user_id });
    const page = await tools.browser.page();
    await key(page, { transport: 'usb' });
    await page.goto(ticket_url);
    await page.getByRole('link', { name: 'Use a security key instead' }).click();
    await page.getByRole('button', { name: 'Set up a security key' }).click();
    await page.getByRole('heading', { name: 'Keep your recovery code' }).waitFor();
    await page.locator('#saved').check();
    await page.getByRole('button', { name: 'Continue', exact: true }).click();
    await page.getByRole('heading', { name: 'Your account is secured' }).waitFor();
    await inspect(page, 'a factor was made by a ticket');
    await pictures(page, 'enrolled');
    assert.deepEqual(page.noise, []);
    const spent = await page.goto(ticket_url);
    assert.equal(spent.status(), 400);
  },

  'a browser that is remembered': async (tools) => {
    await switched(tools, ['webauthn-roaming']);
    await tools.management.call('PUT', 'guardian/policies', ['all-applications']);
    tools.after(() => tools.management.call('PUT', 'guardian/policies', []));
    const { config, user, redirect } = await started(tools);
    const page = await tools.browser.page();
    await key(page, { transport: 'usb' });
    await begin(page, config, redirect, {});
    await logIn(page, user);
    await page.getByRole('button', { name: 'Set up a security key' }).click();
    await tokens(page, config);
    await begin(page, config, redirect, { prompt: 'login' });
    await logIn(page, user);
    await page.getByLabel('Do not ask again on this device for 30 days').check();
    await inspect(page, 'a browser may be remembered');
    await pictures(page, 'remember-browser');
    await page.getByRole('button', { name: 'Continue', exact: true }).click();
    assert.deepEqual((await tokens(page, config)).claims().amr, ['mfa']);
    await begin(page, config, redirect, { prompt: 'login' });
    await logIn(page, user);
    assert.equal((await tokens(page, config)).claims().amr, undefined);
  },

  'a passkey that nobody wants': async (tools) => {
    await passkeys(tools, { challenge_ui: 'both', progressive_enrollment_enabled: true });
    const { config, user, redirect } = await started(tools);
    const page = await tools.browser.page();
    await begin(page, config, redirect, {});
    await logIn(page, user);
    await page.getByRole('button', { name: 'Not now' }).click();
    assert.equal((await tokens(page, config)).claims().sub, user.user_id);
    await begin(page, config, redirect, { prompt: 'login' });
    await logIn(page, user);
    assert.equal((await tokens(page, config)).claims().sub, user.user_id);
  },
};

/** A single-page application with a login of its own. The SDK's client for passkeys speaks https alone. */
async function embedded({ chancery, management, browser, after }) {
  const sdk = 'node_modules/@auth0/auth0-spa-js/dist/auth0-spa-js.production.js';
  const site = await serveSite({ '/': 'browser/spa.html', '/spa.js': 'browser/spa.js', '/auth0-spa-js.js': sdk });
  after(site.close);
  const application = await management.spa(`Embedded ${randomUUID().slice(0, 8)}`, site.origin, {
    grant_types: ['authorization_code', 'urn:okta:params:oauth:grant-type:webauthn'],
  });
  site.config = {
    domain: new URL(chancery.https_issuer).host, clientId: application.client_id, authorizationParams: { scope: 'openid profile email' },
  };
  const page = await browser.page({ ignoreHTTPSErrors: true });
  await page.goto(site.origin);
  await page.getByText('signed out').waitFor();
  return { page, application, site };
}

/** An authenticator of the developer tools, which is touched by itself. */
async function key(page, options) {
  const session = await page.context().newCDPSession(page);
  await session.send('WebAuthn.enable', { enableUI: false });
  const { authenticatorId } = await session.send('WebAuthn.addVirtualAuthenticator', {
    options: {
      protocol: 'ctap2', hasResidentKey: true, hasUserVerification: true, isUserVerified: true,
      automaticPresenceSimulation: true, ...options,
    },
  });
  return {
    async held() {
      return (await session.send('WebAuthn.getCredentials', { authenticatorId })).credentials;
    },
    async replace(credential) {
      await session.send('WebAuthn.clearCredentials', { authenticatorId });
      await session.send('WebAuthn.addCredential', { authenticatorId, credential });
    },
  };
}

async function switched({ management, after }, factors) {
  const set = (enabled) =>
    Promise.all(factors.map((factor) => management.call('PUT', `guardian/factors/${factor}`, { enabled })));
  await set(true);
  after(() => set(false));
}

async function passkeys({ management, after }, passkey_options) {
  const [database] = await management.call('GET', `connections?name=${CONNECTION}`);
  const set = (enabled, passkey_options) => {
    const authentication_methods = { ...database.options.authentication_methods, passkey: { enabled } };
    const options = { ...database.options, authentication_methods, passkey_options };
    return management.call('PATCH', `connections/${database.id}`, { options });
  };
  await set(true, passkey_options);
  after(() => set(false, database.options.passkey_options));
}

/** An application, and a user. */
async function started({ chancery, management }) {
  const call = (method, path, body) => management.call(method, path, body);
  const name = randomUUID().slice(0, 8);
  const redirect = 'https://app.example/callback';
  const application = await call('POST', 'clients', {
    name: `Bank ${name}`, app_type: 'regular_web', token_endpoint_auth_method: 'client_secret_post', oidc_conformant: true,
    callbacks: [redirect], grant_types: ['authorization_code'],
  });
  const password = 'Long-Enough-4-Anybody';
  const email = `person-${name}@example.com`;
  const [database] = await call('GET', `connections?name=${CONNECTION}`);
  await call('PATCH', `connections/${database.id}/clients`, [{ client_id: application.client_id, status: true }]);
  const user = await call('POST', 'users', { connection: CONNECTION, email, password, email_verified: true });
  const config = await client.discovery(
    new URL(chancery.issuer), application.client_id, {}, client.ClientSecretPost(application.client_secret),
    { execute: [client.allowInsecureRequests] },
  );
  return { config, redirect, user: { email, password, user_id: user.user_id } };
}

/** Opens the request; what comes back stops at the application's address. */
async function begin(page, config, redirect, more) {
  await page.unrouteAll({ behavior: 'wait' });
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
  await page.goto(url.href, { waitUntil: 'commit' });
}

async function tokens(page, config) {
  const callback = await page.callback;
  return client.authorizationCodeGrant(config, callback, { expectedNonce: page.nonce, expectedState: 'xyz' });
}
