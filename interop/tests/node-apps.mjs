// Web applications on Node with the middleware that they have: passport-auth0, express-openid-connect and Auth.js, over TLS.
import assert from 'node:assert/strict';
import { join } from 'node:path';

import { accept, logIn } from '../lib/browser.mjs';
import { interopFolder } from '../lib/install.mjs';
import { start, stop, until } from '../lib/processes.mjs';

export default {
  'passport-auth0: a login, with the profile from /userinfo': async (tools) => {
    const { origin, user } = await served(tools, 'passport-auth0');
    const page = await tools.browser.page({ ignoreHTTPSErrors: true });
    await page.goto(`${origin}/login`);
    await signedIn(page, tools, origin);
    assert.deepEqual(JSON.parse(await page.locator('body').innerText()), { ...user, refresh: true });
  },

  'express-openid-connect: a login, a refresh, userinfo, logout and another login': async (tools) => {
    const { origin, user } = await served(tools, 'express-openid-connect');
    const page = await tools.browser.page({ ignoreHTTPSErrors: true });
    await page.goto(`${origin}/`);
    await signedIn(page, tools, origin);
    assert.deepEqual(JSON.parse(await page.locator('body').innerText()), { ...user, refresh: true });
    await page.goto(`${origin}/logout`);
    await page.waitForURL(`${origin}/out`);
    await page.goto(`${origin}/`);
    await page.locator('input#username').waitFor();
  },

  'Auth.js with its provider for Auth0: a login and a logout': async (tools) => {
    const { origin, user } = await served(tools, 'authjs');
    const page = await tools.browser.page({ ignoreHTTPSErrors: true });
    await page.goto(`${origin}/`);
    await page.getByRole('button', { name: 'Sign in with Auth0' }).click();
    await signedIn(page, tools, origin);
    await page.goto(`${origin}/`);
    assert.deepEqual(JSON.parse(await page.locator('body').innerText()), { ...user, refresh: true });
    await page.goto(`${origin}/auth/signout`);
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.waitForURL((url) => !url.pathname.endsWith('/signout'));
    await page.goto(`${origin}/`);
    await page.getByRole('button', { name: 'Sign in with Auth0' }).waitFor();
  },
};

async function signedIn(page, { chancery }, origin) {
  await logIn(page, chancery.user);
  await page.getByRole('button', { name: 'Accept', exact: true }).waitFor();
  await accept(page);
  await page.waitForURL((url) => url.origin === origin);
}

/** The application, which has to be registered for the port that it gets. */
async function served({ chancery, management, after }, kind) {
  const application = await management.web(`Node ${kind}`, 'http://127.0.0.1:1/callback');
  const { client_id, client_secret } = application;
  const script = start(process.execPath, [join(interopFolder, 'lib/node-apps.mjs')], {
    env: {
      ...process.env, NODE_EXTRA_CA_CERTS: chancery.ca_file, DOMAIN: new URL(chancery.https_issuer).host,
      CLIENT_ID: client_id, CLIENT_SECRET: client_secret, AUDIENCE: chancery.api.identifier, KIND: kind,
    },
  });
  after(() => stop(script));
  const origin = await until(script, () => script.output.match(/^http:\S+$/m)?.[0]);
  const changes = { callbacks: [`${origin}/callback`, `${origin}/auth/callback/auth0`], allowed_logout_urls: [`${origin}/out`, origin] };
  await management.call('PATCH', `clients/${client_id}`, changes);
  const [user] = await management.call('GET', `users-by-email?email=${encodeURIComponent(chancery.user.email)}`);
  return { origin, user: { sub: user.user_id, email: user.email } };
}
