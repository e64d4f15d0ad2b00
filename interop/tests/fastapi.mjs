// Auth0's SDKs for FastAPI, over TLS: a web application signs somebody in and out, and its API accepts by scope.
import assert from 'node:assert/strict';
import { join } from 'node:path';

import { accept, logIn } from '../lib/browser.mjs';
import { python, pythonFolder } from '../lib/install.mjs';
import { start, stop, until } from '../lib/processes.mjs';

export default {
  'a login, an API that accepts by scope, a logout': async (tools) => {
    const { chancery, browser } = tools;
    const origin = await served(tools);
    const page = await browser.page({ ignoreHTTPSErrors: true });
    await page.goto(`${origin}/auth/login?returnTo=/me`);
    await logIn(page, chancery.user);
    await accept(page);
    await page.waitForURL(`${origin}/me`);
    const { email, access_token } = JSON.parse(await page.locator('body').innerText());
    assert.equal(email, chancery.user.email);

    const call = async (method, path, token) => {
      const response = await fetch(`${origin}${path}`, { method, headers: token && { authorization: `Bearer ${token}` } });
      return [response.status, (await response.json()).detail?.error];
    };
    assert.deepEqual(await call('GET', '/contacts', access_token), [200, undefined]);
    assert.deepEqual(await call('DELETE', '/contacts/1', access_token), [403, 'insufficient_scope'], 'Jane may only read');
    assert.equal((await call('GET', '/contacts'))[0], 400);
    assert.equal((await call('GET', '/contacts', `${access_token.slice(0, -8)}AAAAAAAA`))[0], 401);

    await page.goto(`${origin}/auth/logout`);
    await page.waitForURL(`${origin}/`);
    assert.equal((await page.goto(`${origin}/me`)).status(), 401);
    await page.goto(`${origin}/auth/login`);
    await page.locator('input#username').waitFor();
  },
};

/** The application, registered for the port that it gets. */
async function served({ chancery, management, after }) {
  const { client_id, client_secret } = await management.web('FastAPI', 'http://localhost:1/auth/callback');
  const settings = {
    domain: new URL(chancery.https_issuer).host, client_id, client_secret, audience: chancery.api.identifier,
    scope: 'openid profile email offline_access read:contacts delete:contacts',
  };
  const script = start(python, ['-u', join(pythonFolder, 'fastapi_app.py'), JSON.stringify(settings)], {
    env: { SSL_CERT_FILE: chancery.ca_file, REQUESTS_CA_BUNDLE: chancery.ca_file },
  });
  after(() => stop(script));
  const origin = await until(script, () => script.output.match(/^http:\S+$/m)?.[0]);
  await management.call('PATCH', `clients/${client_id}`, {
    callbacks: [`${origin}/auth/callback`], allowed_logout_urls: [origin, `${origin}/`],
  });
  return origin;
}
