// Spring Security over TLS: `issuer-uri` is all that it is told of the server. A web application signs somebody in and
// out, its API checks issuer, audience and scopes.
import assert from 'node:assert/strict';
import { join } from 'node:path';

import { accept, logIn } from '../lib/browser.mjs';
import { javaClassPath, javaFolder, trustStore } from '../lib/install.mjs';
import { start, stop, until } from '../lib/processes.mjs';

export default {
  'a login, an API that accepts by scope, a logout': async (tools) => {
    const { chancery, browser } = tools;
    const origin = await served(tools);
    const page = await browser.page({ ignoreHTTPSErrors: true });
    await page.goto(`${origin}/me`);
    await logIn(page, chancery.user);
    await accept(page);
    await page.waitForURL((url) => url.origin === origin && url.pathname === '/me');
    const { email, access_token, id_token, refresh } = JSON.parse(await page.locator('body').innerText());
    assert.equal(email, chancery.user.email);
    assert.equal(refresh, true);

    const call = async (method, path, token) => {
      const response = await fetch(`${origin}${path}`, { method, headers: token && { authorization: `Bearer ${token}` } });
      return response.status;
    };
    assert.equal(await call('GET', '/contacts', access_token), 200);
    assert.equal(await call('DELETE', '/contacts/1', access_token), 403, 'Jane may only read');
    assert.equal(await call('GET', '/contacts'), 401);
    assert.equal(await call('GET', '/contacts', id_token), 401, 'it is for the application, not for the API');

    await page.goto(`${origin}/logout`);
    await page.waitForURL(`${origin}/out`);
    await page.goto(`${origin}/me`);
    await page.locator('input#username').waitFor();
  },
};

/** The application, registered for the port that it gets. */
async function served({ chancery, management, after }) {
  const folder = join(javaFolder, 'spring');
  const classPath = javaClassPath(folder);
  const { client_id, client_secret } = await management.web('Spring', 'http://localhost:1/callback');
  const settings = {
    issuer: chancery.https_issuer, client_id, client_secret, audience: chancery.api.identifier,
    scope: 'openid,profile,email,offline_access,read:contacts,delete:contacts',
  };
  const options = ['-XX:TieredStopAtLevel=1', ...trustStore(chancery.ca_file), '-cp', classPath];
  const script = start('java', [...options, join(folder, 'Contacts.java'), JSON.stringify(settings)]);
  after(() => stop(script));
  const origin = await until(script, () => script.output.match(/^http:\S+$/m)?.[0], 60);
  await management.call('PATCH', `clients/${client_id}`, {
    callbacks: [`${origin}/login/oauth2/code/auth0`], allowed_logout_urls: [`${origin}/out`],
  });
  return origin;
}
