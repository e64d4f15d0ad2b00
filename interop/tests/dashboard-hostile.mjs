// Attacks on the dashboard: what others wrote (users, applications, APIs, organizations, events of the log, OpenAPI documents) and
// administrators who may do little.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';

import { go, openDashboard } from '../lib/dashboard.mjs';

const MARKUP = '<img src=x onerror="window.pwned=1"><script>window.pwned=1</script>';
const TURNED = 'Jane \u202eeruces si siht\u202c';
const RIGHT_TO_LEFT = 'مرحبا بالعالم';
const LONG = 'W'.repeat(1000);

export default {
  'hostile: names, addresses and metadata are text on every screen': async (tools) => {
    const { management } = tools;
    const id = randomUUID().slice(0, 8);
    const audience = `https://hostile-${id}.example/`;
    const scopes = [{ value: 'read:x', description: MARKUP }, { value: 'y'.repeat(280), description: LONG.slice(0, 500) }];
    const api = await management.call('POST', 'resource-servers', { identifier: audience, name: `${TURNED} ${id}`, scopes, enforce_policies: true });
    const permissions = [{ resource_server_identifier: audience, permission_name: 'read:x' }, { resource_server_identifier: audience, permission_name: 'y'.repeat(280) }];
    const people = [];
    for (const [n, name] of [MARKUP, TURNED, RIGHT_TO_LEFT, LONG.slice(0, 300), ' \u200b'].entries()) {
      const user = await management.user(`hostile${n}-${id}@x.example`, 'A-good-Passw0rd', {
        name, nickname: name, user_metadata: { [MARKUP]: MARKUP, __proto__: null, constructor: 'x' }, app_metadata: { deep: { deep: { deep: MARKUP } } },
      });
      people.push(user.user_id);
    }
    const role = await management.call('POST', 'roles', { name: `${MARKUP} ${id}`, description: MARKUP });
    await management.call('POST', `roles/${role.id}/permissions`, { permissions });
    await management.call('POST', `roles/${role.id}/users`, { users: people });
    const organization = await management.call('POST', 'organizations', { name: `hostile-${id}`, display_name: `${RIGHT_TO_LEFT} ${MARKUP} ${LONG}`.slice(0, 255) });
    await management.call('POST', `organizations/${organization.id}/members`, { members: people });
    const client = await management.web(`${TURNED} ${LONG.slice(0, 200)}`, `https://${id}.example/callback`, { description: MARKUP.slice(0, 140), client_metadata: { x: MARKUP } });
    const grant = await management.call('POST', 'client-grants', { client_id: client.client_id, audience, scope: ['read:x', 'y'.repeat(280)] });
    tools.after(() => management.call('DELETE', `client-grants/${grant.id}`));
    // A sign-in that fails writes what was typed into the log.
    const origin = new URL(tools.chancery.issuer).origin;
    for (const username of [MARKUP, TURNED, LONG]) {
      const body = new URLSearchParams({ grant_type: 'password', username, password: 'x', client_id: client.client_id, client_secret: client.client_secret, scope: `openid ${'z'.repeat(200)}` });
      await fetch(`${origin}/oauth/token`, { method: 'POST', body });
    }

    const page = await openDashboard(tools);
    let dialogs = 0;
    page.on('dialog', (dialog) => {
      dialogs += 1;
      void dialog.dismiss();
    });
    const user = (n) => `users/${encodeURIComponent(people[n])}`;
    const screens = [
      'users', ...people.flatMap((_, n) => ['profile', 'roles', 'organizations', 'logs'].map((tab) => `${user(n)}/${tab}`)), `${user(0)}/permissions`,
      'roles', ...['permissions', 'users', 'settings'].map((tab) => `roles/${role.id}/${tab}`),
      'organizations', ...['members', 'invitations', 'connections', 'settings'].map((tab) => `organizations/${organization.id}/${tab}`),
      'applications', ...['settings', 'credentials', 'connections', 'apis'].map((tab) => `applications/${client.client_id}/${tab}`),
      'apis', ...['settings', 'permissions', 'applications', 'test', 'quickstart'].map((tab) => `apis/${api.id}/${tab}`),
      `playground?client=${client.client_id}&audience=${encodeURIComponent(audience)}&scope=${encodeURIComponent(`read:x ${MARKUP}`)}`,
      'logs', `logs?q=${encodeURIComponent(MARKUP)}`, 'logs?type=constructor', 'logs?type=__proto__', `users?q=${encodeURIComponent('") OR (*')}`, 'users?page=1e99',
      `users/${encodeURIComponent(MARKUP)}/profile`, 'roles/__proto__/users', 'apis/constructor/settings',
    ];
    for (const path of screens) {
      await page.goto(new URL(path, tools.chancery.dashboard.url).href);
      await page.locator('main h1, main [role=alert]').first().waitFor();
      await page.locator('[role=status][aria-label=Loading]').first().waitFor({ state: 'detached' });
      for (const width of [1440, 360]) {
        await page.setViewportSize({ width, height: 900 });
        const wide = await page.evaluate(() => document.documentElement.scrollWidth);
        assert.ok(wide <= width, `${path} at ${width}: ${wide} pixels wide`);
      }
      const links = await page.locator('a[href]').evaluateAll((all) => all.map((link) => link.href));
      assert.deepEqual(links.filter((href) => !href.startsWith(origin)), [], `${path}: links`);
      const unnamed = await page.locator('main a:not([aria-label]), main button:not([aria-label])').evaluateAll((all) =>
        all.filter((one) => one.getClientRects().length > 0 && one.innerText.trim() === '' && one.querySelector('[aria-label], img, .unseen') === null).map((one) => one.outerHTML));
      assert.deepEqual(unnamed, [], `${path}: links and buttons without a name`);
      assert.equal(await page.evaluate(() => window.pwned), undefined, `${path}: a script ran`);
      assert.equal(await page.getByText('This could not be loaded').filter({ hasNotText: /404|not/ }).count(), 0, `${path}: crashed`);
    }
    assert.equal(dialogs, 0);
    assert.deepEqual(page.noise.filter((text) => /policy|violat|refused to|uncaught|error:|same key/i.test(text)), [], 'console');
  },

  'hostile: members and users of a role are searched': async (tools) => {
    const { management } = tools;
    const id = randomUUID().slice(0, 8);
    const people = [];
    for (const name of ['Ada Lovelace', 'Alan Turing']) {
      const user = await management.user(`${name.split(' ')[0].toLowerCase()}-${id}@x.example`, 'A-good-Passw0rd', { name });
      people.push(user.user_id);
    }
    const role = await management.call('POST', 'roles', { name: `Searched ${id}` });
    await management.call('POST', `roles/${role.id}/users`, { users: people });
    const organization = await management.call('POST', 'organizations', { name: `searched-${id}` });
    await management.call('POST', `organizations/${organization.id}/members`, { members: people });
    const page = await openDashboard(tools, `organizations/${organization.id}/members`);
    for (const [label, nobody] of [['Search members', 'No member is called that'], ['Search users of this role', 'No user of this role is called that']]) {
      await page.getByRole('link', { name: 'Alan Turing' }).waitFor();
      await page.getByRole('searchbox', { name: label }).fill('ada lo');
      await page.getByRole('link', { name: 'Alan Turing' }).waitFor({ state: 'detached' });
      assert.equal(await page.getByRole('link', { name: 'Ada Lovelace' }).count(), 1, 'whatever the case of the letters');
      // The address finds it again.
      await page.waitForURL((url) => url.searchParams.get('q') === 'ada lo');
      await page.reload();
      await page.getByRole('link', { name: 'Ada Lovelace' }).waitFor();
      await page.getByRole('searchbox', { name: label }).fill('nobody');
      await page.getByText(nobody).waitFor();
      await page.getByRole('searchbox', { name: label }).fill('');
      await page.getByRole('link', { name: 'Alan Turing' }).waitFor();
      if (label === 'Search members') {
        await go(page, 'Roles');
        await page.goto(new URL(`roles/${role.id}/users`, tools.chancery.dashboard.url).href);
      }
    }
  },

  'hostile: whoever may read and nothing else is offered nothing else': async (tools) => {
    const { management, chancery } = tools;
    const id = randomUUID().slice(0, 8);
    const person = { email: `few-${id}@example.com`, password: 'A-good-Passw0rd' };
    const { user_id: user } = await management.user(person.email, person.password);
    const role = await management.call('POST', 'roles', { name: `Readers ${id}` });
    const names = ['users', 'roles', 'organizations', 'organization_members', 'connections', 'clients', 'resource_servers', 'branding', 'tenant_settings', 'signing_keys', 'logs'];
    const permissions = names.map((name) => ({ resource_server_identifier: `${chancery.issuer}api/v2/`, permission_name: `read:${name}` }));
    await management.call('POST', `roles/${role.id}/permissions`, { permissions });
    await management.call('POST', `users/${encodeURIComponent(user)}/roles`, { roles: [role.id] });
    const organization = await management.call('POST', 'organizations', { name: `few-${id}` });
    await management.call('POST', `organizations/${organization.id}/members`, { members: [user] });
    const client = await management.web(`Few ${id}`, `https://few-${id}.example/callback`);
    const api = await management.call('POST', 'resource-servers', { identifier: `https://few-${id}.example/`, name: `Few ${id}`, scopes: [{ value: 'read:x' }] });
    const page = await openDashboard(tools, '', person);
    await page.getByRole('navigation', { name: 'Sections' }).waitFor();
    const refused = [];
    page.on('response', (response) => {
      if (response.status() === 403) refused.push(response.url());
    });
    const screens = [
      'users', ...['profile', 'roles', 'permissions', 'organizations', 'logs'].map((tab) => `users/${encodeURIComponent(user)}/${tab}`),
      'roles', ...['permissions', 'users', 'settings'].map((tab) => `roles/${role.id}/${tab}`),
      'organizations', ...['members', 'settings'].map((tab) => `organizations/${organization.id}/${tab}`),
      'connections', 'applications', ...['settings', 'credentials', 'connections'].map((tab) => `applications/${client.client_id}/${tab}`),
      'apis', ...['settings', 'permissions', 'quickstart'].map((tab) => `apis/${api.id}/${tab}`), 'branding', 'tenant', 'signing-keys', 'logs',
    ];
    for (const path of screens) {
      await page.goto(new URL(path, chancery.dashboard.url).href);
      await page.locator('main h1, main [role=alert]').first().waitFor();
      await page.locator('[role=status][aria-label=Loading]').first().waitFor({ state: 'detached' });
      await page.waitForLoadState('networkidle');
      const offered = await page.locator('main').getByRole('button', { name: /^(Create|Delete|Add|Give|Remove|Take|Rotate|Revoke|Save|Block|Unblock|Import|Invite|Grant|Change)/ }).allInnerTexts();
      assert.deepEqual(offered, [], `${path} offers what the administrator may not do`);
      const open = await page.locator('main').locator('input:not([type=search]):enabled:not([readonly]), textarea:enabled:not([readonly]), select:enabled').evaluateAll((all) =>
        all.filter((one) => one.getClientRects().length > 0).map((one) => one.getAttribute('aria-label') ?? one.labels?.[0]?.innerText ?? one.outerHTML));
      assert.deepEqual(path === 'logs' ? [] : open, [], `${path} lets be filled in what cannot be saved`);
      assert.deepEqual(refused.splice(0), [], `${path} asks for what it may not have`);
    }
  },

  'hostile: an OpenAPI document is read or refused, and the page stays': async (tools) => {
    const { management } = tools;
    const id = randomUUID().slice(0, 8);
    const api = await management.call('POST', 'resource-servers', { identifier: `https://import-${id}.example/`, name: `Import ${id}` });
    const page = await openDashboard(tools, `apis/${api.id}/permissions`);
    const offer = async (document) => {
      await page.getByRole('button', { name: 'Import' }).first().click();
      await page.getByRole('dialog').locator('input[type=file]').setInputFiles({ name: 'api.json', mimeType: 'application/json', buffer: Buffer.from(document) });
    };
    const close = async () => {
      await page.keyboard.press('Escape');
      await page.getByRole('dialog').waitFor({ state: 'detached' });
    };
    const nested = (open, shut) => `${open.repeat(200_000)}${shut.repeat(200_000)}`;
    for (const document of [
      'no document', '[]', 'null', `{"openapi": ${nested('[', ']')}}`, `openapi: ${nested('[', ']')}`, `a: &a [x]\nb: &b [${'*a,'.repeat(50)}*a]\nc: [${'*b,'.repeat(200)}*b]`,
      `{"openapi": "3.0.0", "x": "${'x'.repeat(9 << 20)}"}`,
    ]) {
      await offer(document);
      await page.getByRole('dialog').getByRole('alert').waitFor();
      await close();
    }
    const scopes = Object.fromEntries(Array.from({ length: 20_000 }, (_, n) => [`read:${n}`, MARKUP]));
    for (const bad of ['two words', MARKUP, 'ü', 'x'.repeat(10_000), ...Array.from({ length: 1000 }, (_, n) => `bad name ${n}`)]) scopes[bad] = bad;
    await offer(JSON.stringify({ openapi: '3.0.0', paths: {}, components: { securitySchemes: { s: { type: 'oauth2', flows: { x: { scopes } } } } } }));
    await page.getByText('New (20000)').waitFor();
    await page.getByText('and 19900 more').waitFor();
    await page.getByText('And 992 more').waitFor();
    assert.equal(await page.evaluate(() => window.pwned), undefined);
    await page.setViewportSize({ width: 360, height: 900 });
    const wide = await page.getByRole('dialog').evaluate((dialog) => dialog.scrollWidth - dialog.clientWidth);
    assert.ok(wide <= 0, `the dialog is ${wide} pixels too wide`);
  },
};
