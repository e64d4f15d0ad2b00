// The hosted pages in a browser: what people see while they sign in, and whether everybody can use them.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';

import { accept, authorize, decline, logIn } from '../lib/browser.mjs';
import { inspect, pictures } from '../lib/inspect.mjs';
import { serveSite } from '../lib/site.mjs';

const PASSWORD = 'A-good-Passw0rd';

export default {
  'login: a wrong password is told, tied to its field': async (tools) => {
    const { page, request, callback } = await started(tools);
    const answer = await page.goto(request());
    const policy = answer.headers()['content-security-policy'];
    assert.match(policy, /frame-ancestors 'none'/);
    assert.doesNotMatch(policy, /unsafe-/);
    await inspect(page, 'login');
    assert.equal(await page.locator('input#username').evaluate((field) => field === document.activeElement), true);

    await logIn(page, { email: tools.chancery.user.email, password: 'wrong' });
    await errorAt(page, /wrong/i);
    assert.equal(await page.locator('input#username').inputValue(), tools.chancery.user.email, 'what was typed is kept');
    assert.equal(await page.locator('input#password').inputValue(), '');
    await inspect(page, 'login with an error');

    await logIn(page, tools.chancery.user);
    await accept(page);
    await page.waitForURL((url) => url.href.startsWith(callback));
  },

  'login: with the keyboard alone': async (tools) => {
    const { page, request, callback } = await started(tools);
    await page.goto(request());
    // The browser moves the focus when it gets to it.
    await page.waitForFunction(() => document.activeElement?.id === 'username');
    await page.keyboard.type(tools.chancery.user.email);
    await page.keyboard.press('Tab');
    await page.keyboard.type(tools.chancery.user.password);
    await page.keyboard.press('Enter');
    const yes = page.getByRole('button', { name: 'Accept', exact: true });
    await yes.waitFor();
    for (let presses = 0; presses < 12; presses += 1) {
      if (await yes.evaluate((button) => button === document.activeElement)) break;
      await page.keyboard.press('Tab');
    }
    await page.keyboard.press('Enter');
    await page.waitForURL((url) => url.href.startsWith(callback) && url.searchParams.has('code'));
  },

  'login: the password can be shown': async (tools) => {
    const { page, request } = await started(tools);
    await page.goto(request());
    await page.locator('input#password').fill('secret');
    await page.getByRole('button', { name: 'Show password' }).click();
    assert.equal(await page.locator('input#password').getAttribute('type'), 'text');
    await page.getByRole('button', { name: 'Hide password' }).click();
    assert.equal(await page.locator('input#password').getAttribute('type'), 'password');
    assert.deepEqual(page.noise, []);
  },

  'login: in German where it is asked for or preferred': async (tools) => {
    const { page, request } = await started(tools);
    await page.goto(request({ ui_locales: 'de' }));
    assert.equal(await page.locator('html').getAttribute('lang'), 'de');
    await inspect(page, 'German login');
    const german = await tools.browser.page({ locale: 'de-DE' });
    await german.goto(request());
    assert.equal(await german.locator('html').getAttribute('lang'), 'de');
    await german.goto(request({ ui_locales: 'en' }));
    assert.equal(await german.locator('html').getAttribute('lang'), 'en');
  },

  'signup: a weak password, then an account': async (tools) => {
    const { page, request, callback } = await started(tools);
    await page.goto(request({ screen_hint: 'signup' }));
    await inspect(page, 'signup');
    const email = `Signup.${randomUUID()}@example.com`;
    const create = async (password) => {
      await page.locator('input#email').fill(email);
      await page.locator('input#password').fill(password);
      await page.getByRole('button', { name: 'Create account' }).click();
    };
    await create('weak');
    await errorAt(page, /does not meet/);
    await inspect(page, 'signup with an error');
    await create(PASSWORD);
    await page.getByRole('button', { name: 'Accept', exact: true }).waitFor();
    await accept(page);
    await page.waitForURL((url) => url.href.startsWith(callback) && url.searchParams.has('code'));

    const found = await tools.management.call('GET', `users-by-email?email=${encodeURIComponent(email.toLowerCase())}`);
    assert.equal(found.length, 1);
    assert.equal(found[0].email_verified, false);
    await newVisit(page, request);
    await page.getByRole('link', { name: 'Sign up' }).click();
    await create(PASSWORD);
    await errorAt(page, /already an account/);
  },

  'forgotten password: link by mail, new password, the old one is refused': async (tools) => {
    const { page, request, callback } = await started(tools);
    const email = `forgetful.${randomUUID()}@example.com`;
    await tools.management.user(email, PASSWORD);
    await page.goto(request());
    await page.getByRole('link', { name: 'Forgot password?' }).click();
    await page.locator('input#email').waitFor();
    await inspect(page, 'forgotten password');
    await page.locator('input#email').fill(email);
    await page.getByRole('button', { name: 'Send link' }).click();
    await page.getByRole('heading', { name: 'Check your mail' }).waitFor();
    await inspect(page, 'check your mail');

    const link = await mailedLink(tools, email);
    await page.goto(link);
    await inspect(page, 'new password');
    const choose = async (password, repeated) => {
      await page.locator('input#password').fill(password);
      await page.locator('input#password-repeat').fill(repeated);
      await page.getByRole('button', { name: 'Save password' }).click();
    };
    await choose('Other-good-Passw0rd', 'Another-good-Passw0rd');
    await errorAt(page, /not the same/);
    await inspect(page, 'new password with an error');
    await choose('Other-good-Passw0rd', 'Other-good-Passw0rd');
    await page.getByRole('heading', { name: 'Your password was changed' }).waitFor();
    await inspect(page, 'password changed');

    await page.goto(link);
    await page.getByRole('heading', { name: 'This link no longer works' }).waitFor();
    await inspect(page, 'used link');

    await newVisit(page, request);
    await logIn(page, { email, password: PASSWORD });
    await errorAt(page, /wrong/i);
    await logIn(page, { email, password: 'Other-good-Passw0rd' });
    await accept(page);
    await page.waitForURL((url) => url.href.startsWith(callback) && url.searchParams.has('code'));
  },

  'forgotten password: an address without an account looks the same': async (tools) => {
    const { page, request } = await started(tools);
    await page.goto(request());
    await page.getByRole('link', { name: 'Forgot password?' }).click();
    await page.locator('input#email').fill('nobody@example.com');
    await page.getByRole('button', { name: 'Send link' }).click();
    await page.getByRole('heading', { name: 'Check your mail' }).waitFor();
    const response = await fetch(`${tools.chancery.issuer}dev/mail`);
    const { mails } = await response.json();
    assert.equal(mails.some((mail) => mail.to.includes('nobody@example.com')), false);
  },

  'consent: what is asked is told; no is access_denied; yes is remembered': async (tools) => {
    const { page, request, callback } = await started(tools);
    await page.goto(request());
    await logIn(page, tools.chancery.user);
    await page.getByRole('button', { name: 'Accept', exact: true }).waitFor();
    await inspect(page, 'consent');
    const text = await page.locator('main').innerText();
    assert.match(text, /jane@example\.com|Jane Doe/);
    assert.match(text, /contacts/i);
    await decline(page);
    await page.waitForURL((url) => url.href.startsWith(callback));
    const refused = new URL(page.url()).searchParams;
    assert.equal(refused.get('error'), 'access_denied');
    assert.equal(refused.get('state'), 'here');
    assert.equal(refused.get('iss'), tools.chancery.issuer);
    assert.equal(refused.has('code'), false);

    await page.goto(request());
    await accept(page);
    await page.waitForURL((url) => url.href.startsWith(callback) && url.searchParams.has('code'));
    const silent = await page.goto(request({ prompt: 'none' }));
    assert.equal(silent.status(), 200);
    assert.ok(new URL(page.url()).searchParams.has('code'), page.url());
    // More than what was agreed to is asked again.
    await page.goto(request({ scope: 'openid profile email address read:contacts' }));
    await page.getByRole('button', { name: 'Accept', exact: true }).waitFor();
  },

  'logos that cannot be loaded: the initial and the name stand in their place': async (tools) => {
    // No such name: a browser would show its broken picture.
    const nowhere = (name) => `https://logos.invalid/${name}.png`;
    const { page, request } = await started(tools, { logo_uri: nowhere('app') });
    await tools.management.call('PATCH', 'branding', { logo_url: nowhere('tenant') });
    tools.after(() => tools.management.call('PATCH', 'branding', { logo_url: '' }));
    await page.goto(request());
    await logIn(page, tools.chancery.user);
    await page.getByRole('button', { name: 'Accept', exact: true }).waitFor();
    const picture = page.locator('.tile img').first();
    // A browser may still be looking for the name.
    const failed = (image) => image.complete || new Promise((done) => (image.onerror = image.onload = done));
    await picture.evaluate(failed);
    assert.equal(await picture.evaluate((image) => image.naturalWidth), 0);
    const stood = await page.locator('.pair .tile').screenshot();
    // As an application without a logo is shown, to the pixel.
    const plain = await started(tools);
    await page.goto(plain.request());
    await page.getByRole('button', { name: 'Accept', exact: true }).waitFor();
    assert.ok(stood.equals(await page.locator('.pair .tile').screenshot()), 'the initial, and no broken picture');
    await page.goto(request());
    const logo = page.locator('img.logo');
    await logo.evaluate(failed);
    assert.equal(await logo.getAttribute('alt'), '');
    const name = await logo.evaluate((image) => getComputedStyle(image, '::after').content);
    assert.equal(name, JSON.stringify(await page.locator('.named').getAttribute('aria-label')));
    await inspect(page, 'logos that cannot be loaded');
    await pictures(page, 'logos');
  },

  'consent for several APIs: each page says which one it is about; going back shows what is due': async (tools) => {
    const { page, request, callback } = await started(tools);
    const identifier = `https://invoices.example/${randomUUID()}`;
    const scopes = [{ value: 'pay:invoices', description: 'Pay your invoices' }];
    await tools.management.call('POST', 'resource-servers', { identifier, name: 'Invoices', scopes });
    tools.after(() => tools.management.call('DELETE', `resource-servers/${encodeURIComponent(identifier)}`));
    const url = new URL(request({ scope: 'openid read:contacts pay:invoices' }));
    url.searchParams.delete('audience');
    for (const resource of [tools.chancery.api.identifier, identifier]) url.searchParams.append('resource', resource);
    await page.goto(url.href);
    await logIn(page, tools.chancery.user);
    await page.getByText('API 1 of 2: Invoices').waitFor();
    await inspect(page, 'consent, first of two');
    await pictures(page, 'consent-of-two');
    await accept(page);
    await page.getByText('API 2 of 2: Contacts API').waitFor();
    // The page is never kept, so that back shows what is due now and not what was answered.
    await page.goBack();
    await page.getByText('API 2 of 2: Contacts API').waitFor();
    await accept(page);
    await page.waitForURL((url) => url.href.startsWith(callback) && url.searchParams.has('code'));
  },

  'consent: scopes that can be left out, and the page that takes them back': async (tools) => {
    const api = await tools.management.call('POST', 'resource-servers', {
      name: 'Address Books',
      identifier: `https://books.example/${randomUUID()}`,
      scopes: [
        { value: 'read:address_books' },
        { value: 'delete:address_books' },
        { value: 'update:address_books', consent: 'optional' },
        { value: 'https://books.example/scopes/with-a-long-name-that-has-no-place-to-break', consent: 'optional' },
        { value: 'share:address_books', consent: 'sensitive' },
      ],
    });
    const scope = `openid profile email ${api.scopes.map(({ value }) => value).join(' ')}`;
    const { page, request, callback } = await started(tools);
    await page.goto(request({ audience: api.identifier, scope }));
    await logIn(page, tools.chancery.user);
    const share = page.getByRole('checkbox', { name: /share your address books/ });
    await share.waitFor();
    await inspect(page, 'consent with choices');
    await pictures(page, 'consent');
    assert.equal(await share.isChecked(), false);
    await page.getByRole('checkbox', { name: /with-a-long-name/ }).uncheck();
    // The space bar ticks what has the focus.
    await share.focus();
    await page.keyboard.press('Space');
    assert.equal(await share.isChecked(), true);
    await accept(page);
    await page.waitForURL((url) => url.href.startsWith(callback) && url.searchParams.has('code'));

    await page.goto(`${tools.chancery.issuer}u/account/consents`);
    await inspect(page, 'consents');
    await pictures(page, 'account');
    const own = page.locator('section').filter({ hasText: 'share your address books' }).first();
    assert.match(await own.innerText(), /read, delete, update and share your address books/);
    assert.doesNotMatch(await own.innerText(), /with-a-long-name/);
    const before = await page.locator('section').count();
    await own.getByRole('button', { name: 'Withdraw access' }).click();
    await page.getByRole('status').waitFor();
    await inspect(page, 'consents after one was withdrawn');
    assert.equal(await page.locator('section').count(), before - 1);
  },

  'consents: login comes first, and all works without JavaScript, in German': async (tools) => {
    const page = await tools.browser.page({ javaScriptEnabled: false, locale: 'de-DE' });
    const email = `consents.${randomUUID()}@example.com`;
    await tools.management.user(email, PASSWORD);
    await page.goto(`${tools.chancery.issuer}u/account/consents`);
    await page.locator('input#username').fill(email);
    await page.locator('input#password').fill(PASSWORD);
    await page.locator('button[name=action]').click();
    await page.waitForURL(`${tools.chancery.issuer}u/account/consents`);
    await page.getByText('Keine Anwendung hat Zugriff auf Ihr Konto.').waitFor();
  },

  'confirmation: asked before a session goes to a callback on this machine': async (tools) => {
    const { page, request, callback } = await started(tools, { skip_non_verifiable_callback_uri_confirmation_prompt: false });
    await authorize(page, request(), tools.chancery.user, callback);
    await page.goto(request());
    await page.getByRole('button', { name: 'Continue', exact: true }).waitFor();
    await inspect(page, 'confirmation');
    await page.getByRole('button', { name: 'Continue', exact: true }).click();
    await page.waitForURL((url) => url.href.startsWith(callback) && url.searchParams.has('code'));
  },

  'errors: a callback that is not registered stays on a page': async (tools) => {
    const { page, request } = await started(tools);
    const answer = await page.goto(request({ redirect_uri: 'https://evil.example/callback' }));
    assert.equal(new URL(page.url()).origin, new URL(tools.chancery.issuer).origin);
    assert.ok([400, 403].includes(answer.status()), String(answer.status()));
    assert.match(await page.locator('main').innerText(), /callback url mismatch|redirect_uri/i);
    await inspect(page, 'error');
    assert.equal((await page.goto(`${tools.chancery.issuer}u/login?state=nothing`)).status(), 400);
    await inspect(page, 'expired');
  },

  'logout: confirmed by the person where no ID token comes along': async (tools) => {
    const { page, request, callback } = await started(tools);
    await authorize(page, request(), tools.chancery.user, callback);
    await page.goto(`${tools.chancery.issuer}oidc/logout`);
    await page.getByRole('button', { name: 'Log out', exact: true }).waitFor();
    await inspect(page, 'logout');
    await page.getByRole('button', { name: 'Log out', exact: true }).click();
    await page.getByRole('heading', { name: 'You are logged out' }).waitFor();
    await inspect(page, 'logged out');
    await page.goto(request());
    await page.locator('input#password').waitFor();
  },

  'without JavaScript: sign up, consent, form_post': async (tools) => {
    const { request, callback } = await started(tools);
    const page = await tools.browser.page({ javaScriptEnabled: false });
    await page.goto(request({ response_mode: 'form_post' }));
    await page.getByRole('link', { name: 'Sign up' }).click();
    await page.locator('input#email').fill(`noscript.${randomUUID()}@example.com`);
    await page.locator('input#password').fill(PASSWORD);
    await page.getByRole('button', { name: 'Create account' }).click();
    await accept(page);
    const posted = page.waitForRequest((request) => request.method() === 'POST' && request.url().startsWith(callback));
    await page.getByRole('button', { name: 'Continue', exact: true }).click();
    const form = new URLSearchParams((await posted).postData());
    assert.ok(form.get('code'));
    assert.equal(form.get('state'), 'here');
    await page.waitForURL(callback);
  },

  'form_post: posted by itself where JavaScript is on': async (tools) => {
    const { page, request, callback } = await started(tools);
    const posted = page.waitForRequest((request) => request.method() === 'POST' && request.url().startsWith(callback));
    await page.goto(request({ response_mode: 'form_post' }));
    await logIn(page, tools.chancery.user);
    await accept(page);
    assert.ok(new URLSearchParams((await posted).postData()).get('code'));
    await page.waitForURL(callback);
    assert.deepEqual(page.noise, []);
  },

  'the demo: from the printed link to the answers of the API': async (tools) => {
    const page = await tools.browser.page();
    await page.goto(`${tools.chancery.issuer}dev`);
    await inspect(page, 'start of the demo');
    await page.getByRole('link', { name: 'Sign in', exact: true }).click();
    await logIn(page, tools.chancery.user);
    await accept(page);
    await page.getByText('Signed in as Jane Doe').waitFor();
    assert.match(await page.locator('#access-token .payload').innerText(), /"scope": "openid profile email read:contacts"/);
    // Nobody clicked: the page reads by itself.
    await page.locator('#calls .status', { hasText: '200' }).waitFor();
    assert.match(await page.locator('#calls table').innerText(), /Ada Marten\s+ada@contacts\.example/);
    assert.equal(await page.locator('#calls .answer').count(), 1);
    await page.getByRole('button', { name: 'DELETE /contacts/1' }).click();
    await page.locator('#calls .status', { hasText: '403' }).waitFor();
    assert.match(await page.locator('#calls').innerText(), /insufficient_scope/);
    await page.getByRole('button', { name: 'GET /contacts' }).click();
    await page.waitForFunction(() => document.querySelectorAll('#calls .good').length === 2);
    await inspect(page, 'end of the demo');
  },

  'the demo: code with PKCE as Sam, who may delete': async (tools) => {
    const page = await tools.browser.page();
    await page.goto(`${tools.chancery.issuer}dev`);
    await page.getByRole('button', { name: 'Sign in with code + PKCE' }).click();
    await logIn(page, tools.chancery.admin);
    await accept(page);
    await page.getByText('Signed in as Sam Lee').waitFor();
    await page.locator('#calls table').waitFor();
    await page.getByRole('button', { name: 'DELETE /contacts/1' }).click();
    await page.getByText('contact 1 is deleted').waitFor();
    await page.goto(`${tools.chancery.issuer}dev/mail`);
    await inspect(page, 'mail');
  },
};

/** An application with a callback; `request()` is its authorize request with changes. */
async function started({ chancery, management, browser, after }, members = {}) {
  const site = await serveSite();
  after(site.close);
  const callback = `${site.origin}/callback`;
  const application = await management.web('Address Book', callback, members);
  const request = (changes = {}) => {
    const url = new URL(`${chancery.issuer}authorize`);
    url.search = new URLSearchParams({
      response_type: 'code',
      client_id: application.client_id,
      redirect_uri: callback,
      audience: chancery.api.identifier,
      scope: 'openid profile email read:contacts',
      state: 'here',
      ...changes,
    });
    return url.href;
  };
  return { page: await browser.page(), request, callback };
}

/** As a person who was never here. */
async function newVisit(page, request) {
  await page.context().clearCookies();
  await page.goto(request());
}

/** A field is marked as wrong and described by this text. */
async function errorAt(page, text) {
  const field = page.locator('input[aria-invalid=true]').first();
  await field.waitFor();
  const described = await field.evaluate((input) =>
    (input.getAttribute('aria-describedby') ?? '').split(' ').map((id) => document.getElementById(id)?.innerText).join(' '));
  assert.match(described, text);
}

/** The link in the newest mail to the address. */
async function mailedLink({ chancery }, email) {
  const response = await fetch(`${chancery.issuer}dev/mail`);
  const { mails } = await response.json();
  const mail = mails.find((mail) => mail.to.includes(email));
  assert.ok(mail, `a mail to ${email} among ${JSON.stringify(mails.map((each) => each.to))}`);
  return mail.text.match(/https?:\/\/\S+/)[0];
}
