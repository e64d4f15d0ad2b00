// A single-page application with auth0-spa-js: code with PKCE, silent renewal, rotating refresh tokens, logout.
import assert from 'node:assert/strict';

import { accept, decline, logIn } from '../lib/browser.mjs';
import { serveSite } from '../lib/site.mjs';
import { claims, scopes, tokenRequest } from '../lib/tokens.mjs';

const SDK = 'node_modules/@auth0/auth0-spa-js/dist/auth0-spa-js.production.js';

const ROTATION = {
  refresh_token: {
    rotation_type: 'rotating', expiration_type: 'expiring', leeway: 0, token_lifetime: 86400,
    idle_token_lifetime: 3600, infinite_token_lifetime: false, infinite_idle_token_lifetime: false,
  },
};

export default {
  'logs in with PKCE; the token carries what was asked and Jane may do': async (tools) => {
    const { page, application } = await started(tools, { scope: 'openid profile email read:contacts delete:contacts' });
    const { issuer, api, user } = tools.chancery;
    await signIn(page, user);

    const profile = await page.evaluate(() => client.getUser());
    assert.equal(profile.email, user.email);
    assert.equal(profile.email_verified, true);
    assert.ok(profile.sub.startsWith('auth0|'), profile.sub);

    const answer = await page.evaluate(() => client.getTokenSilently({ detailedResponse: true }));
    assert.deepEqual(scopes(answer.scope), ['email', 'openid', 'profile', 'read:contacts']);
    const token = claims(answer.access_token);
    assert.deepEqual(scopes(token.scope), ['email', 'openid', 'profile', 'read:contacts']);
    assert.deepEqual(token.aud, [api.identifier, `${issuer}userinfo`]);
    assert.equal(token.iss, issuer);
    assert.equal(token.azp, application.client_id);
    assert.equal(token.sub, profile.sub);
    assert.deepEqual(page.noise, []);
  },

  'renews silently in a frame; without a session it says login_required': async (tools) => {
    const { page } = await started(tools, { scope: 'openid profile email read:contacts' });
    const silently = () => page.evaluate(async () => {
      try {
        return await client.getTokenSilently({ cacheMode: 'off', detailedResponse: true });
      } catch (error) {
        return { error: error.error };
      }
    });
    assert.deepEqual(await silently(), { error: 'login_required' });

    await signIn(page, tools.chancery.user);
    const framed = page.waitForRequest((request) => request.url().includes('response_mode=web_message'));
    const renewed = await silently();
    assert.equal(new URL((await framed).url()).searchParams.get('prompt'), 'none');
    assert.ok(renewed.access_token, JSON.stringify(renewed));
    assert.ok(renewed.id_token);

    // A scope that was never agreed to needs the person, not a frame.
    const more = await page.evaluate(() =>
      client.getTokenSilently({ cacheMode: 'off', authorizationParams: { scope: 'openid address read:contacts' } })
        .then(() => 'a token', (error) => error.error));
    assert.equal(more, 'consent_required');
  },

  'a page that is loaded anew finds the session again': async (tools) => {
    const { page } = await started(tools, { scope: 'openid profile email' });
    await signIn(page, tools.chancery.user);
    await page.reload();
    await page.getByText('signed out').waitFor();
    await page.evaluate(() => client.checkSession());
    assert.equal((await page.evaluate(() => client.getUser()))?.email, tools.chancery.user.email);
  },

  'refresh tokens rotate; one used twice ends the family': async (tools) => {
    const { page, application } = await started(
      tools,
      { scope: 'openid profile email read:contacts' },
      { useRefreshTokens: true, cacheLocation: 'localstorage' },
      ROTATION,
    );
    await signIn(page, tools.chancery.user);
    const kept = () => page.evaluate(() =>
      Object.values(localStorage).map((text) => JSON.parse(text).body?.refresh_token).find(Boolean));
    const renew = () => page.evaluate(() =>
      client.getTokenSilently({ cacheMode: 'off' }).then((token) => ({ token }), (error) => ({ error: error.error, message: error.message })));

    const first = await kept();
    assert.ok(first, 'a refresh token was kept');
    const renewed = await renew();
    assert.deepEqual(scopes(claims(renewed.token).scope), ['email', 'offline_access', 'openid', 'profile', 'read:contacts']);
    const second = await kept();
    assert.notEqual(second, first);
    assert.ok((await renew()).token);
    const third = await kept();
    assert.notEqual(third, second);

    const form = { grant_type: 'refresh_token', client_id: application.client_id };
    const reused = await tokenRequest(tools.chancery.issuer, { ...form, refresh_token: first });
    assert.equal(reused.status, 403);
    assert.equal(reused.body.error, 'invalid_grant');
    assert.equal((await renew()).token, undefined);
    assert.equal((await tokenRequest(tools.chancery.issuer, { ...form, refresh_token: third })).body.error, 'invalid_grant');
  },

  'refresh tokens work in the worker, where no page sees them': async (tools) => {
    const scope = 'openid profile email read:contacts';
    const { page } = await started(tools, { scope }, { useRefreshTokens: true }, ROTATION);
    const answers = [];
    page.context().on('response', async (response) => {
      if (response.url().endsWith('/oauth/token')) answers.push(response.request().postData());
    });
    await signIn(page, tools.chancery.user);
    await page.evaluate(() => client.getTokenSilently({ cacheMode: 'off' }));
    await page.evaluate(() => client.getTokenSilently({ cacheMode: 'off' }));
    const used = answers.map((form) => new URLSearchParams(form).get('refresh_token'));
    assert.equal(used.length, 3);
    assert.equal(new Set(used).size, 3, 'none for the code, then two different ones');
    assert.deepEqual(await page.evaluate(() => Object.keys(localStorage)), []);
  },

  'logs in through a popup': async (tools) => {
    const { page } = await started(tools, { scope: 'openid profile email read:contacts' });
    const opened = page.waitForEvent('popup');
    const done = page.evaluate(() => client.loginWithPopup().then(() => 'done', (error) => `${error.error}: ${error.message}`));
    const popup = await opened;
    await logIn(popup, tools.chancery.user);
    await accept(popup);
    assert.equal(await done, 'done');
    assert.equal((await page.evaluate(() => client.getUser())).email, tools.chancery.user.email);
    assert.equal(popup.isClosed(), true);
  },

  'declining is an error which the application sees': async (tools) => {
    const { page } = await started(tools, { scope: 'openid profile email read:contacts' });
    await page.click('#login');
    await logIn(page, tools.chancery.user);
    await decline(page);
    await page.getByText('error: access_denied').waitFor();
  },

  'what is left out on the consent page is not in the token; what is withdrawn ends the refresh token': async (tools) => {
    const api = await choosyApi(tools);
    const scope = `openid profile email ${api.scopes.map(({ value }) => value).join(' ')}`;
    const { page } = await started(
      tools,
      { audience: api.identifier, scope },
      { useRefreshTokens: true, cacheLocation: 'localstorage' },
      ROTATION,
    );
    await page.click('#login');
    await logIn(page, tools.chancery.user);
    await page.getByRole('checkbox', { name: /update your notes/ }).uncheck();
    assert.equal(await page.getByRole('checkbox', { name: /share your notes/ }).isChecked(), false);
    await accept(page);
    await page.getByText(`signed in as ${tools.chancery.user.email}`).waitFor();
    const renew = () => page.evaluate(() =>
      client.getTokenSilently({ cacheMode: 'off', detailedResponse: true })
        .then((answer) => answer, (error) => ({ error: error.error })));
    const left = ['email', 'offline_access', 'openid', 'profile', 'read:notes'];
    const answer = await renew();
    assert.deepEqual(scopes(answer.scope), left);
    assert.deepEqual(scopes(claims(answer.access_token).scope), left);

    const account = await page.context().newPage();
    await account.goto(`${tools.chancery.issuer}u/account/consents`);
    const own = account.locator('section').filter({ hasText: 'Notes API' });
    await own.getByRole('button', { name: 'Withdraw access' }).click();
    await account.getByRole('status').waitFor();
    assert.equal(await own.count(), 0);
    assert.equal((await renew()).error, 'invalid_grant');

    // Signing in again asks again, as for the first time.
    await page.evaluate(() => localStorage.clear());
    await page.reload();
    await page.click('#login');
    assert.equal(await page.getByRole('checkbox', { name: /update your notes/ }).isChecked(), true);
  },

  'logs out here and at the server': async (tools) => {
    const { page, site } = await started(tools, { scope: 'openid profile email' });
    await signIn(page, tools.chancery.user);
    await page.click('#logout');
    await page.waitForURL(`${site.origin}/`);
    await page.getByText('signed out').waitFor();
    const error = await page.evaluate(() =>
      client.getTokenSilently({ cacheMode: 'off' }).then(() => 'a token', (error) => error.error));
    assert.equal(error, 'login_required');
    await page.click('#login');
    await page.locator('input#password').waitFor();
  },
};

/** An application of its own origin and client id, open in a fresh browser. */
async function started({ chancery, management, browser, after }, params, options = {}, members = {}) {
  const site = await serveSite({ '/': 'browser/spa.html', '/spa.js': 'browser/spa.js', '/auth0-spa-js.js': SDK });
  after(site.close);
  const application = await management.spa('Single Page', site.origin, members);
  site.config = {
    domain: chancery.issuer.replace(/\/$/, ''),
    clientId: application.client_id,
    authorizationParams: { audience: chancery.api.identifier, ...params },
    ...options,
  };
  const page = await browser.page();
  await page.goto(site.origin);
  await page.getByText('signed out').waitFor();
  return { page, application, site };
}

/** An API with a scope of each kind; other tests do not know it. */
function choosyApi({ management }) {
  return management.call('POST', 'resource-servers', {
    name: 'Notes API',
    identifier: `https://notes.example/${Math.random()}`,
    allow_offline_access: true,
    scopes: [
      { value: 'read:notes' },
      { value: 'update:notes', consent: 'optional' },
      { value: 'share:notes', consent: 'sensitive' },
    ],
  });
}

async function signIn(page, person) {
  await page.click('#login');
  await logIn(page, person);
  await accept(page);
  await page.getByText(`signed in as ${person.email}`).waitFor();
}
