// Auth0's Java SDK over TLS: the management client configures a tenant, the authentication client signs somebody in,
// java-jwt and jwks-rsa check the tokens.
import assert from 'node:assert/strict';
import { join } from 'node:path';

import { authorize } from '../lib/browser.mjs';
import { javaClassPath, javaFolder, trustStore } from '../lib/install.mjs';
import { message, start } from '../lib/processes.mjs';
import { serveSite } from '../lib/site.mjs';

export default {
  'an API, an application, a grant, a user and a role are made, and the user signs in': async (tools) => {
    const { chancery, browser, after } = tools;
    const folder = join(javaFolder, 'auth0');
    const classPath = javaClassPath(folder);
    const site = await serveSite();
    after(site.close);
    const callback = `${site.origin}/callback`;
    const domain = new URL(chancery.https_issuer).host;
    const { client_id, client_secret } = chancery.clients.management;
    const settings = { domain, client_id, client_secret, callback };
    const options = ['-cp', classPath, ...trustStore(chancery.ca_file), join(folder, 'Auth0.java'), JSON.stringify(settings)];
    const script = start('java', options);
    const { authorize: request, ...person } = await message(script, 0);
    const back = await authorize(await browser.page({ ignoreHTTPSErrors: true }), request, person, callback);
    script.stdin.write(`${back.href}\n`);
    assert.equal(await script.ended, 0, script.output);
    const { logout, ...result } = await message(script, 1);
    const asked = 'openid email offline_access read:things write:things';
    assert.deepEqual(result, {
      held: 1,
      applications: true,
      missing: 404,
      userinfo: true,
      scopes: [asked, asked, 'read:things'],
      revoked: 'invalid_grant',
    });
    assert.ok(logout.startsWith(`https://${domain}/v2/logout?`), logout);
  },
};
