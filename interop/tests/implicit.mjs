// auth0.js with the implicit request: an ID token and an access token for the API in the fragment.
import assert from 'node:assert/strict';

import { accept, logIn } from '../lib/browser.mjs';
import { serveSite } from '../lib/site.mjs';
import { claims, scopes } from '../lib/tokens.mjs';

const SDK = 'node_modules/auth0-js/dist/auth0.min.js';
const NONCE = 'nonce-of-the-test-5f2b';
const STATE = 'state+of/the=test';

export default {
  'the request of the overview of API scopes, tokens verified, renewed silently': async (tools) => {
    const { issuer } = tools.chancery;
    // Over plain HTTP the library must be told which issuer to expect: it would derive one with https.
    const overrides = { __token_issuer: issuer, __jwks_uri: `${issuer}.well-known/jwks.json` };
    const { page, application, site } = await started(tools, { domain: issuer.replace(/\/$/, ''), overrides });

    const sent = page.waitForRequest((request) => request.url().startsWith(`${issuer}authorize`));
    await page.click('#login');
    const query = new URL((await sent).url()).searchParams;
    assert.deepEqual(
      ['audience', 'scope', 'response_type', 'client_id', 'redirect_uri', 'nonce', 'state'].map((name) => query.get(name)),
      [tools.chancery.api.identifier, 'openid profile email read:contacts', 'id_token token', application.client_id,
        `${site.origin}/`, NONCE, STATE],
    );
    await signedIn(page, tools.chancery.user);
    await checkResult(tools, await page.evaluate(() => result), { issuer, application });

    const renewed = await page.evaluate(() => new Promise((resolve) => {
      web.checkSession({}, (error, result) => resolve(error ? { error } : result));
    }));
    assert.ok(renewed.accessToken, JSON.stringify(renewed));
    assert.equal(renewed.idTokenPayload.email, tools.chancery.user.email);

    const profile = await page.evaluate((token) => new Promise((resolve) => {
      web.client.userInfo(token, (error, user) => resolve(error ? { error } : user));
    }), renewed.accessToken);
    assert.equal(profile.email, tools.chancery.user.email);
    assert.deepEqual(page.noise, []);
  },

  'the same over TLS, with nothing told to the library but the domain': async (tools) => {
    const { https_issuer: issuer } = tools.chancery;
    const { page, application } = await started(tools, { domain: new URL(issuer).host });
    await page.click('#login');
    await signedIn(page, tools.chancery.user);
    await checkResult(tools, await page.evaluate(() => result), { issuer, application });
  },

  'a session that is not there is login_required': async (tools) => {
    const { issuer } = tools.chancery;
    const overrides = { __token_issuer: issuer, __jwks_uri: `${issuer}.well-known/jwks.json` };
    const { page } = await started(tools, { domain: issuer.replace(/\/$/, ''), overrides });
    const answer = await page.evaluate(() => new Promise((resolve) => {
      web.checkSession({}, (error) => resolve(error?.code));
    }));
    assert.equal(answer, 'login_required');
  },
};

async function started({ chancery, management, browser, after }, options) {
  const site = await serveSite({ '/': 'browser/implicit.html', '/implicit.js': 'browser/implicit.js', '/auth0.js': SDK });
  after(site.close);
  const application = await management.spa('Implicit', site.origin);
  site.config = {
    clientID: application.client_id,
    redirectUri: `${site.origin}/`,
    audience: chancery.api.identifier,
    scope: 'openid profile email read:contacts',
    responseType: 'id_token token',
    nonce: NONCE,
    state: STATE,
    ...options,
  };
  const page = await browser.page({ ignoreHTTPSErrors: true });
  await page.goto(site.origin);
  await page.getByText('signed out').waitFor();
  return { page, application, site };
}

async function signedIn(page, person) {
  await logIn(page, person);
  await accept(page);
  await page.getByText(`signed in as ${person.email}`).waitFor();
}

function checkResult({ chancery }, result, { issuer, application }) {
  assert.equal(result.state, STATE);
  assert.equal(result.tokenType.toLowerCase(), 'bearer');
  assert.ok(result.expiresIn > 0);
  assert.equal(result.idTokenPayload.nonce, NONCE);
  assert.equal(result.idTokenPayload.iss, issuer);
  assert.equal(result.idTokenPayload.aud, application.client_id);
  assert.ok(result.idTokenPayload.at_hash, 'the access token is bound to the ID token');
  const token = claims(result.accessToken);
  assert.deepEqual(token.aud, [chancery.api.identifier, `${issuer}userinfo`]);
  assert.deepEqual(scopes(token.scope), ['email', 'openid', 'profile', 'read:contacts']);
}
