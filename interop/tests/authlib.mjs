// Authlib (Python): metadata, the code flow with ID token checks, refresh, userinfo, client credentials.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';

import { authorize } from '../lib/browser.mjs';
import { inspect } from '../lib/inspect.mjs';
import { python, pythonFolder } from '../lib/install.mjs';
import { message, start } from '../lib/processes.mjs';
import { serveSite } from '../lib/site.mjs';

const PASSWORD_REALM = 'http://auth0.com/oauth/grant-type/password-realm';
const OTP = 'http://auth0.com/oauth/grant-type/passwordless/otp';
const CIBA = 'urn:openid:params:grant-type:ciba';

export default {
  'code flow, refresh and userinfo': async (tools) => {
    const { chancery, management, browser, after } = tools;
    const site = await serveSite();
    after(site.close);
    const callback = `${site.origin}/callback`;
    const application = await management.web('Python', callback, { token_endpoint_auth_method: 'client_secret_basic' });
    const script = run('code_flow.py', {
      issuer: chancery.issuer,
      client_id: application.client_id,
      client_secret: application.client_secret,
      callback,
      audience: chancery.api.identifier,
      scope: 'openid profile email offline_access read:contacts',
    });
    const { authorize: request } = await message(script, 0);
    const back = await authorize(await browser.page(), request, chancery.user, callback);
    script.stdin.write(`${back.href}\n`);
    const result = await message(script, 1);
    assert.equal(await script.ended, 0, script.output);
    assert.equal(result.id_token.email, chancery.user.email);
    assert.equal(result.id_token.iss, chancery.issuer);
    assert.equal(result.userinfo.sub, result.id_token.sub);
    assert.equal(result.userinfo.email, chancery.user.email);
    assert.deepEqual(result.access_token.aud, [chancery.api.identifier, `${chancery.issuer}userinfo`]);
    assert.equal(result.refreshed.sub, result.id_token.sub);
  },

  'client credentials over TLS': async ({ chancery }) => {
    const { client_id, client_secret } = chancery.clients.m2m;
    const settings = { issuer: chancery.https_issuer, client_id, client_secret, audience: chancery.api.identifier };
    const script = run('client_credentials.py', settings, { REQUESTS_CA_BUNDLE: chancery.ca_file });
    assert.equal(await script.ended, 0, script.output);
    const result = await message(script, 0);
    assert.equal(result.iss, chancery.https_issuer);
    assert.equal(result.scope, 'read:contacts');
    assert.equal(result.aud, chancery.api.identifier);
  },

  'auth0-python configures a tenant over TLS': async ({ chancery }) => {
    const { client_id, client_secret } = chancery.clients.management;
    const settings = { domain: new URL(chancery.https_issuer).host, client_id, client_secret };
    const ca = { SSL_CERT_FILE: chancery.ca_file, REQUESTS_CA_BUNDLE: chancery.ca_file };
    const script = run('management.py', settings, ca);
    assert.equal(await script.ended, 0, script.output);
    const result = await message(script, 0);
    assert.deepEqual({ ...result, clients: undefined }, { held: true, clients: undefined, missing: 404, scope: ['read:things'] });
    assert.ok(result.clients >= 5, `${result.clients} applications`);
  },

  'auth0-python signs people in, in every way it knows, and out of a blocked account': async (tools) => {
    const { chancery, browser } = tools;
    const settings = await signsIn(tools, `${chancery.issuer}dev/callback`);
    const ca = { SSL_CERT_FILE: chancery.ca_file, REQUESTS_CA_BUNDLE: chancery.ca_file };
    const script = run('authentication.py', settings, ca);
    const { unblock, email, ...result } = await message(script, 0);
    assert.deepEqual(email, Array(3).fill(settings.email));
    assert.deepEqual(result, {
      same: true,
      refreshed: 'openid email offline_access',
      revoked: [403, 'invalid_grant'],
      pending: [400, 'authorization_pending'],
      pushed: ['urn:ietf:params:oauth:request_uri', true],
      wrong: [403, 'invalid_grant'],
      blocked: [429, 'too_many_attempts'],
      'right but blocked': [429, 'too_many_attempts'],
    });
    const page = await browser.page({ ignoreHTTPSErrors: true });
    await page.goto(unblock);
    await inspect(page, 'unblock');
    await page.getByRole('button').click();
    await page.getByRole('heading', { name: 'Your account is unblocked' }).waitFor();
    script.stdin.write('\n');
    assert.deepEqual(await message(script, 1), { back: 'Bearer' });
    assert.equal(await script.ended, 0, script.output);
  },
};

/** What the Python client signs people in with. */
async function signsIn({ chancery, management }, callback) {
  const grants = ['authorization_code', 'refresh_token', PASSWORD_REALM, OTP, CIBA];
  const application = await management.web('Python signs in', callback, { grant_types: grants });
  const known = await management.call('GET', 'connections?name=email');
  const enabled_clients = [...(known[0]?.enabled_clients ?? []), application.client_id];
  await (known[0]
    ? management.call('PATCH', `connections/${known[0].id}`, { enabled_clients })
    : management.call('POST', 'connections', { name: 'email', strategy: 'email', enabled_clients }));
  await management.call('PATCH', 'tenants/settings', { pushed_authorization_requests_supported: true });
  const { client_id, client_secret } = application;
  return {
    domain: new URL(chancery.https_issuer).host, client_id, client_secret, callback, audience: chancery.api.identifier,
    mail: `${chancery.issuer}dev/mail`, email: `python.${randomUUID()}@example.com`,
  };
}

function run(name, settings, env = {}) {
  return start(python, ['-u', join(pythonFolder, name), JSON.stringify(settings)], { env });
}
