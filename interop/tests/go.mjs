// Go: go-oidc and x/oauth2 sign somebody in, renew and ask /userinfo; go-jwt-middleware guards an API by scope.
import assert from 'node:assert/strict';

import { authorize } from '../lib/browser.mjs';
import { goProgram } from '../lib/install.mjs';
import { message, start } from '../lib/processes.mjs';
import { serveSite } from '../lib/site.mjs';

export default {
  'a login, a refresh, client credentials, and an API that accepts by scope': async (tools) => {
    const { chancery, management, browser, after } = tools;
    const program = goProgram();
    const site = await serveSite();
    after(site.close);
    const callback = `${site.origin}/callback`;
    const { client_id, client_secret } = await management.web('Go', callback);
    await management.grant(client_id, chancery.api.identifier, ['read:contacts']);
    const settings = {
      issuer: chancery.https_issuer, client_id, client_secret, callback, audience: chancery.api.identifier,
      scopes: ['openid', 'email', 'offline_access', 'read:contacts', 'delete:contacts'],
    };
    const script = start(program, [JSON.stringify(settings)], { env: { SSL_CERT_FILE: chancery.ca_file } });
    const { authorize: request } = await message(script, 0);
    const back = await authorize(await browser.page({ ignoreHTTPSErrors: true }), request, chancery.user, callback);
    script.stdin.write(`${back.href}\n`);
    assert.equal(await script.ended, 0, script.output);
    assert.deepEqual(await message(script, 1), {
      email: chancery.user.email,
      same: true,
      renewed: true,
      read: [200, 200, 200],
      delete: [403, 403],
      none: 400,
      wrong: 401,
      lasts: true,
    });
  },
};
