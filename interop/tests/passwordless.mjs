// Codes by mail and backchannel authentication: npm's auth0, openid-client, and a real browser.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import * as client from 'openid-client';

import { accept, logIn } from '../lib/browser.mjs';
import { inspect, pictures } from '../lib/inspect.mjs';
import { interopFolder } from '../lib/install.mjs';
import { start } from '../lib/processes.mjs';
import { claims } from '../lib/tokens.mjs';

const OTP = 'http://auth0.com/oauth/grant-type/passwordless/otp';
const CIBA = 'urn:openid:params:grant-type:ciba';

export default {
  'npm auth0: a code is mailed and redeemed, and a user is asked': async (tools) => {
    const application = await made(tools);
    const { chancery } = tools;
    const script = start(process.execPath, [join(interopFolder, 'lib/auth0-passwordless.mjs')], {
      env: {
        ...process.env,
        NODE_EXTRA_CA_CERTS: chancery.ca_file,
        DOMAIN: new URL(chancery.https_issuer).host,
        CLIENT_ID: application.client_id,
        CLIENT_SECRET: application.client_secret,
        MAIL: `${chancery.issuer}dev/mail`,
        EMAIL: `code.${randomUUID()}@example.com`,
      },
    });
    assert.equal(await script.ended, 0, script.output);
    assert.match(script.output, /done/);
  },

  'openid-client: a user who is elsewhere answers by the link of a mail': async (tools) => {
    const { chancery } = tools;
    const application = await made(tools);
    const config = await discovered(tools, application);
    const { user } = chancery;
    const found = await tools.management.call('GET', `users-by-email?email=${encodeURIComponent(user.email)}`);
    const hint = { format: 'iss_sub', iss: chancery.issuer, sub: found[0].user_id };
    const asked = await client.initiateBackchannelAuthentication(config, {
      scope: 'openid profile read:contacts', audience: chancery.api.identifier,
      binding_message: 'Order 4711', login_hint: JSON.stringify(hint),
    });
    assert.equal(asked.expires_in, 300);
    const tokens = client.pollBackchannelAuthenticationGrant(config, asked);
    const page = await tools.browser.page();
    await page.goto(await mailed(tools, user.email, /https?:\S+\/u\/approve\?code=\S+/));
    await page.getByRole('heading', { name: application.name }).waitFor();
    assert.match(await page.locator('main').innerText(), /Order 4711/);
    await inspect(page, 'approval');
    await pictures(page, 'approval');
    await page.getByRole('button', { name: 'Go on', exact: true }).click();
    await logIn(page, user);
    await accept(page);
    await page.getByRole('heading', { name: 'You confirmed' }).waitFor();
    await inspect(page, 'approved');
    await pictures(page, 'approved');
    const got = await tokens;
    assert.equal(got.claims().sub, found[0].user_id);
    assert.equal(claims(got.access_token).scope, 'openid profile read:contacts');
  },

  'the hosted pages ask for a code, and take the one of a link': async (tools) => {
    const { chancery } = tools;
    const application = await made(tools);
    const callback = `${chancery.issuer}dev/callback`;
    const email = `page.${randomUUID()}@example.com`;
    const query = new URLSearchParams({
      client_id: application.client_id, redirect_uri: callback, response_type: 'code', scope: 'openid email', state: 's', connection: 'email',
    });
    const page = await tools.browser.page();
    await page.goto(`${chancery.issuer}authorize?${query}`);
    await inspect(page, 'passwordless address');
    await pictures(page, 'passwordless-email');
    await page.locator('input#email').fill(email);
    await page.getByRole('button', { name: 'Continue', exact: true }).click();
    await page.getByRole('heading', { name: 'Check your mail' }).waitFor();
    await inspect(page, 'passwordless code');
    await pictures(page, 'passwordless-code');
    await page.locator('input#code').fill('x');
    await page.getByRole('button', { name: 'Continue', exact: true }).click();
    assert.match(await page.locator('#code-error').innerText(), /not right/);
    await pictures(page, 'passwordless-code-error');
    await page.locator('input#code').fill(await mailed(tools, email, /\d{6}/));
    await Promise.all([page.waitForURL(/[?&]code=/), page.getByRole('button', { name: 'Continue', exact: true }).click()]);

    const other = await tools.browser.page();
    const body = {
      client_id: application.client_id, client_secret: application.client_secret, connection: 'email', email, send: 'link',
      authParams: { redirect_uri: callback, response_type: 'code', scope: 'openid email', state: 's' },
    };
    const headers = { 'content-type': 'application/json' };
    const begun = await fetch(`${chancery.issuer}passwordless/start`, { method: 'POST', headers, body: JSON.stringify(body) });
    assert.equal(begun.status, 200, await begun.text());
    await other.goto(await mailed(tools, email, /https?:\S+\/passwordless\/verify_redirect\S+/));
    await other.getByRole('heading', { name: 'Check your mail' }).waitFor();
    await Promise.all([other.waitForURL(/[?&]code=/), other.getByRole('button', { name: 'Continue', exact: true }).click()]);
  },
};

/** An application whose users sign in with mailed codes too. */
async function made(tools) {
  const application = await tools.management.call('POST', 'clients', {
    name: `Codes ${randomUUID().slice(0, 8)}`, app_type: 'regular_web', callbacks: [`${tools.chancery.issuer}dev/callback`],
    grant_types: [OTP, CIBA, 'authorization_code', 'refresh_token'], oidc_conformant: true,
  });
  const known = await tools.management.call('GET', 'connections?name=email');
  const enabled_clients = [...(known[0]?.enabled_clients ?? []), application.client_id];
  await (known[0]
    ? tools.management.call('PATCH', `connections/${known[0].id}`, { enabled_clients })
    : tools.management.call('POST', 'connections', { name: 'email', strategy: 'email', enabled_clients }));
  return application;
}

function discovered({ chancery }, application) {
  const authentication = client.ClientSecretPost(application.client_secret);
  const options = { execute: [client.allowInsecureRequests] };
  return client.discovery(new URL(chancery.issuer), application.client_id, {}, authentication, options);
}

/** The first match in the newest mail to this address. */
async function mailed({ chancery }, to, pattern) {
  const { mails } = await (await fetch(`${chancery.issuer}dev/mail`, { headers: { accept: 'application/json' } })).json();
  const mail = mails.find((each) => each.to === to);
  assert.ok(mail, `no mail to ${to}`);
  return mail.text.match(pattern)[0];
}
