// oidc-client-ts in a browser, told nothing but the issuer: code with PKCE, renewal in a frame and by refresh token,
// userinfo, revocation, logout.
import assert from 'node:assert/strict';

import { accept, logIn } from '../lib/browser.mjs';
import { serveSite } from '../lib/site.mjs';
import { claims } from '../lib/tokens.mjs';

const PAGE = 'browser/oidc.html';
const FILES = {
  '/': PAGE,
  '/oidc.js': 'browser/oidc.js',
  '/oidc-client-ts.js': 'node_modules/oidc-client-ts/dist/browser/oidc-client-ts.min.js',
};

export default {
  'logs in, renews in a frame, logs out': async (tools) => {
    const { chancery } = tools;
    const page = await signedIn(tools, 'openid profile email read:contacts delete:contacts');
    const user = await page.evaluate(() => manager.getUser());
    assert.equal(user.profile.email, chancery.user.email);
    assert.equal(user.scope, 'openid profile email read:contacts');
    assert.deepEqual(claims(user.access_token).aud, [chancery.api.identifier, `${chancery.issuer}userinfo`]);

    const framed = page.waitForRequest((request) => request.url().includes('prompt=none'));
    const renewed = await page.evaluate(() => manager.signinSilent());
    assert.notEqual((await framed).frame(), page.mainFrame());
    assert.equal(renewed.profile.sub, user.profile.sub);
    assert.equal(renewed.scope, user.scope);
    assert.deepEqual(page.noise, []);

    await page.evaluate(() => void manager.signoutRedirect());
    await page.getByText('signed out').waitFor();
    const without = await page.evaluate(() => manager.signinSilent().catch((error) => error.error));
    assert.equal(without, 'login_required');
  },

  'renews by refresh token, which is no good once it was revoked': async (tools) => {
    const page = await signedIn(tools, 'openid email offline_access read:contacts');
    const renewed = await page.evaluate(async () => {
      const before = await manager.getUser();
      const after = await manager.signinSilent();
      return { isNew: before.access_token !== after.access_token, scope: after.scope, refresh: after.refresh_token };
    });
    assert.equal(renewed.isNew, true);
    assert.equal(renewed.scope, 'openid email offline_access read:contacts');
    const refused = await page.evaluate(async (refresh_token) => {
      await manager.revokeTokens(['refresh_token']);
      const response = await fetch(await manager.metadataService.getTokenEndpoint(), {
        method: 'POST',
        body: new URLSearchParams({ grant_type: 'refresh_token', client_id: manager.settings.client_id, refresh_token }),
      });
      return response.status;
    }, renewed.refresh);
    assert.equal(refused, 403);
  },
};

async function signedIn({ chancery, management, browser, after }, scope) {
  const site = await serveSite(FILES);
  after(site.close);
  const application = await management.spa('oidc-client-ts', site.origin);
  site.config = {
    authority: chancery.issuer, client_id: application.client_id, scope, redirect_uri: `${site.origin}/`,
    post_logout_redirect_uri: `${site.origin}/`, loadUserInfo: true, extraQueryParams: { audience: chancery.api.identifier },
  };
  const page = await browser.page();
  await page.goto(`${site.origin}/`);
  await page.getByText('signed out').waitFor();
  await page.evaluate(() => void manager.signinRedirect());
  await logIn(page, chancery.user);
  await accept(page);
  await page.getByText(`signed in as ${chancery.user.email}`).waitFor();
  return page;
}
