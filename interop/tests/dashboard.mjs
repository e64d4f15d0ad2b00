// The dashboard in a browser, from the first sign-in on.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { join } from 'node:path';

import { accept } from '../lib/browser.mjs';
import { inspectScreen, openDashboard } from '../lib/dashboard.mjs';
import { projectFolder } from '../lib/install.mjs';

const dist = join(projectFolder, 'ui/dashboard/dist');

export default {
  'the first load weighs less than 250 KB': async () => {
    const manifest = JSON.parse(readFileSync(join(dist, 'manifest.json'), 'utf8'));
    const files = new Set(['index.html']);
    const add = (name) => {
      const chunk = manifest[name];
      if (files.has(chunk.file)) return;
      files.add(chunk.file);
      for (const style of chunk.css ?? []) files.add(style);
      for (const other of chunk.imports ?? []) add(other);
    };
    // The page, and the screen that it opens with.
    add('index.html');
    add('src/screens/overview/overview.tsx');
    const weights = [...files].map((file) => [gzipSync(readFileSync(join(dist, file)), { level: 9 }).length, file]);
    const total = weights.reduce((sum, [weight]) => sum + weight, 0);
    console.log(`    first load: ${Math.round(total / 1000)} KB compressed in ${files.size} files`);
    assert.ok(total < 250_000, `${total} bytes:\n${weights.map(([weight, file]) => `${weight} ${file}`).join('\n')}`);
  },

  'what is no screen passes its own tests': async () => {
    execFileSync('npm', ['test', '--silent'], { cwd: join(projectFolder, 'ui/dashboard'), stdio: ['ignore', 'pipe', 'pipe'] });
  },

  'signing in leads to the address asked for, signing out ends it': async (tools) => {
    const page = await openDashboard(tools, 'apis');
    await page.getByRole('heading', { level: 1, name: 'APIs' }).waitFor();
    await page.getByRole('link', { name: 'Contacts API' }).waitFor();
    assert.equal(new URL(page.url()).pathname, '/dashboard/apis');
    await inspectScreen(page, 'apis');

    // Tokens are kept in memory alone: a reload asks the server, and nobody sees it.
    await page.reload();
    await page.getByRole('link', { name: 'Contacts API' }).waitFor();
    const stored = await page.evaluate(() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }]));
    assert.doesNotMatch(stored, /eyJ/);

    await page.setViewportSize({ width: 360, height: 800 });
    await page.getByRole('button', { name: 'Open menu' }).click();
    await inspectScreen(page, 'menu');
    await page.setViewportSize({ width: 360, height: 800 });
    await page.getByRole('navigation', { name: 'Sections' }).getByRole('link', { name: 'Overview' }).click();
    await page.getByRole('heading', { level: 1, name: 'Overview' }).waitFor();
    // Whoever does not see the screen change hears it.
    await page.waitForFunction(() => document.activeElement?.tagName === 'H1');
    await page.setViewportSize({ width: 1440, height: 900 });

    await page.getByRole('button', { name: /^Account of/ }).click();
    await page.getByRole('menuitem', { name: 'Dark' }).click();
    await page.waitForFunction(() => document.documentElement.dataset.mantineColorScheme === 'dark');
    await page.getByRole('button', { name: /^Account of/ }).click();
    await page.getByRole('menuitem', { name: 'Sign out' }).click();
    await page.locator('input#username').waitFor();
  },

  'whoever may only read sees nothing else, whoever may nothing is told so': async (tools) => {
    const { management, chancery } = tools;
    const person = { email: `reader.${randomUUID()}@example.com`, password: 'A-good-Passw0rd' };
    const user = await management.user(person.email, person.password);
    const refused = await openDashboard(tools, '', person);
    await refused.getByRole('heading', { name: 'Nothing to see yet' }).waitFor();
    await inspectScreen(refused, 'nothing');
    await refused.getByRole('button', { name: 'Sign out' }).click();
    await refused.locator('input#username').waitFor();

    const role = await management.call('POST', 'roles', { name: `API readers ${randomUUID()}` });
    const permissions = [{ resource_server_identifier: `${chancery.issuer}api/v2/`, permission_name: 'read:resource_servers' }];
    await management.call('POST', `roles/${role.id}/permissions`, { permissions });
    await management.call('POST', `users/${encodeURIComponent(user.user_id)}/roles`, { roles: [role.id] });
    const page = await openDashboard(tools, '', person);
    await page.getByRole('link', { name: 'Contacts API' }).waitFor();
    const sections = await page.getByRole('navigation', { name: 'Sections' }).getByRole('link').allInnerTexts();
    assert.deepEqual(sections, ['APIs']);
    assert.equal(await page.getByRole('button', { name: 'Create API' }).count(), 0);
    await page.getByRole('link', { name: 'Contacts API' }).click();
    await page.getByRole('tab', { name: 'Permissions' }).click();
    await page.getByText('Read your contacts').waitFor();
    assert.deepEqual(await page.getByRole('tab').allInnerTexts(), ['Settings', 'Permissions', 'Quickstart']);
    assert.equal(await page.getByRole('button', { name: /Remove|Import|Add/ }).count(), 0);
    // A link from somebody who may more.
    await page.goto(`${chancery.dashboard.url}playground`);
    await page.getByText('You may not see this').waitFor();
    await inspectScreen(page, 'forbidden');
  },

  'the overview counts what happened': async (tools) => {
    await tools.management.fetchToken();
    const page = await openDashboard(tools);
    await page.getByRole('heading', { level: 1, name: 'Overview' }).waitFor();
    const tile = (label) => page.locator('.tile').filter({ hasText: label });
    await tile('Active users').getByText(/^[1-9]/).waitFor();
    await tile('Signing key').getByText(/(second|minute|hour|day)/).waitFor();
    await page.getByText('As a table').click();
    const today = page.getByRole('row', { name: new RegExp(new Date().toISOString().slice(0, 10)) });
    await today.getByRole('cell').nth(1).getByText(/^[1-9]/).waitFor();
    assert.match(await today.getByRole('cell').nth(0).innerText(), /^[1-9]/);
    await inspectScreen(page, 'overview');

    const started = Date.now();
    await page.reload({ waitUntil: 'commit' });
    await page.getByRole('heading', { level: 1, name: 'Overview' }).waitFor();
    console.log(`    signed in again and to be used after ${Date.now() - started} ms`);
  },

  'an API: created, scopes imported from OpenAPI, an application granted': async (tools) => {
    const { identifier, page } = await withNewApi(tools);

    await page.getByRole('button', { name: 'Paste many' }).click();
    await page.getByRole('dialog').getByLabel('Scopes').fill('list:things\tSee which there are\nsc"ope');
    await page.getByText('Not all of it can be a scope').waitFor();
    await inspectScreen(page, 'paste');
    await page.getByRole('dialog').getByLabel('Scopes').fill('list:things\tSee which there are');
    await page.getByRole('dialog').getByRole('button', { name: 'Add scopes' }).click();
    await page.getByRole('button', { name: 'Remove list:things' }).click();
    await page.getByText('The scope list:things goes').waitFor();
    await page.getByRole('dialog').getByRole('button', { name: 'Remove scope' }).click();
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    await page.getByText('No scopes yet').waitFor();

    await page.getByLabel('New scope', { exact: true }).fill('read things');
    await page.getByRole('button', { name: 'Add scope' }).click();
    await page.getByText('has a space in it').waitFor();
    await page.getByLabel('New scope', { exact: true }).fill('audit:things');
    await page.getByLabel('Description of the new scope').fill('See who did what');
    await page.getByLabel('Consent to the new scope').selectOption('must be ticked');
    await page.getByText('What users are asked').click();
    await page.getByText('nobody gives it without having said so').waitFor();
    await page.getByRole('button', { name: 'Add scope' }).click();
    await page.getByRole('button', { name: 'Remove audit:things' }).waitFor();

    await importOpenApi(page, OPENAPI);
    await page.getByText('New (2)').waitFor();
    await page.getByText('Operations without a scope (1)').waitFor();
    await page.getByText('Not in the document (1)').waitFor();
    await inspectScreen(page, 'import');
    await page.getByRole('button', { name: 'Import', exact: true }).click();
    await page.getByRole('button', { name: 'Remove write:things' }).waitFor();
    await page.getByRole('dialog').waitFor({ state: 'detached' });

    // A second document: one scope is described anew, one is not there any more.
    const second = OPENAPI.replace('Read things', 'Read all your things').replaceAll('write:things', 'change:things');
    await importOpenApi(page, second);
    await page.getByText('Described anew (1)').waitFor();
    await page.getByRole('checkbox', { name: 'Remove write:things' }).check();
    await page.getByText('The scope write:things goes').waitFor();
    await page.getByRole('button', { name: 'Import and remove 1' }).click();
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    await page.getByRole('button', { name: 'Remove change:things' }).waitFor();
    await page.getByLabel('Consent to change:things').selectOption('can be unticked');
    await page.getByText('change:things was changed').waitFor();
    await inspectScreen(page, 'permissions');
    const api = await tools.management.call('GET', `resource-servers/${encodeURIComponent(identifier)}`);
    assert.deepEqual(api.scopes, [
      { value: 'audit:things', description: 'See who did what', consent: 'sensitive' },
      { value: 'read:things', description: 'Read all your things' },
      { value: 'change:things', description: 'Change things', consent: 'optional' },
    ]);

    await page.getByRole('tab', { name: 'Applications' }).click();
    await page.getByRole('radio', { name: 'In their own name' }).click();
    await page.getByPlaceholder('Add an application').click();
    await page.getByRole('option', { name: 'Demo M2M' }).click();
    await page.getByRole('checkbox', { name: 'read:things for Demo M2M' }).check();
    await page.getByRole('checkbox', { name: 'change:things for Demo M2M' }).check();
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByText('The access of one application was changed').waitFor();
    await inspectScreen(page, 'matrix');
    await page.getByRole('checkbox', { name: 'change:things for Demo M2M' }).uncheck();
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByText('Demo M2M may no longer ask for change:things').waitFor();
    await inspectScreen(page, 'confirmation');
    await page.getByRole('button', { name: 'Change access' }).click();
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    const grants = await tools.management.call('GET', `client-grants?audience=${encodeURIComponent(identifier)}`);
    assert.deepEqual(grants.map(({ scope, subject_type }) => [scope, subject_type]), [[['read:things'], 'client']]);

    await page.getByRole('tab', { name: 'Test' }).click();
    await page.getByRole('button', { name: 'Get a token' }).click();
    await page.getByText('Call your API with it').waitFor();
    assert.equal(await page.getByText('"scope": "read:things"').count(), 1);
    await inspectScreen(page, 'test');

    await page.getByRole('tab', { name: 'Quickstart' }).click();
    for (const language of ['Express', 'Rust, axum', 'Python, FastAPI', 'Go', 'Java, Spring']) {
      await page.getByRole('tab', { name: language }).click();
      const code = (await page.locator('pre').allInnerTexts()).join('\n');
      for (const fact of [identifier, tools.chancery.issuer, 'audit:things', 'read:things']) assert.ok(code.includes(fact), `${language}: ${fact}`);
    }
    await inspectScreen(page, 'quickstart');
  },

  'an API: its settings, and its end': async (tools) => {
    const { identifier, page, name } = await withNewApi(tools);
    await page.getByRole('tab', { name: 'Settings' }).click();
    await page.getByLabel('Allow offline access').check();
    await page.getByLabel('Lifetime', { exact: true }).fill('600');
    await page.getByText('2 changes are not saved.').waitFor();
    await inspectScreen(page, 'settings');
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByText('The settings were saved').waitFor();
    const api = await tools.management.call('GET', `resource-servers/${encodeURIComponent(identifier)}`);
    assert.deepEqual([api.allow_offline_access, api.token_lifetime], [true, 600]);

    await page.getByRole('button', { name: 'Delete API' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByText(`The API ${name} goes`).waitFor();
    assert.equal(await dialog.getByRole('button', { name: 'Delete API' }).isDisabled(), true);
    await dialog.getByLabel(`Type ${name} to go on`).fill(name);
    await dialog.getByRole('button', { name: 'Delete API' }).click();
    await page.getByText(`${name} was deleted`).waitFor();
    assert.equal(new URL(page.url()).pathname, '/dashboard/apis');

    await page.keyboard.press('Control+K');
    await page.getByPlaceholder('Go to a screen').fill('contacts');
    await page.getByRole('dialog').getByText('API · https://contacts.example/api').waitFor();
    await inspectScreen(page, 'search');
    await page.getByRole('dialog').getByText('API · https://contacts.example/api').click();
    await page.getByRole('heading', { level: 1, name: 'Contacts API' }).waitFor();
  },

  'playground: a refused scope is explained, put right and granted': async (tools) => {
    const { api, person, spa, admin } = await withScopes(tools);
    const search = new URLSearchParams({ client: spa.client_id, audience: api.identifier, scope: 'openid read:x delete:x' });
    const page = await openDashboard(tools, `playground?${search}`);
    await page.getByLabel('User', { exact: true }).first().fill(person.email);
    await page.getByRole('option', { name: person.email }).click();
    const why = page.getByRole('region', { name: 'Why' });
    const item = (scope) => why.getByRole('listitem').filter({ has: page.getByText(scope, { exact: true }) }).first();
    await item('delete:x').getByText('refused').waitFor();
    await item('read:x').getByText('granted').waitFor();
    await inspectScreen(page, 'playground');

    await page.getByRole('button', { name: 'Add it to the allowed callbacks' }).click();
    const run = async () => {
      const opened = page.waitForEvent('popup');
      await page.getByRole('button', { name: 'Run it' }).click();
      const popup = await opened;
      await popup.locator('input#password').fill(person.password);
      await popup.getByText('Continue', { exact: true }).click();
      await accept(popup);
      await page.getByRole('heading', { name: 'What came back' }).waitFor();
      return page.getByRole('region', { name: 'Access token: header and claims' }).innerText();
    };
    assert.match(await run(), /"scope": "openid read:x"/);
    await inspectScreen(page, 'playground-ran');

    await item('delete:x').getByRole('button', { name: `Give the role ${admin.name}` }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Give role' }).click();
    await item('delete:x').getByText('granted').waitFor();
    assert.match(await run(), /"scope": "openid read:x delete:x"/);
  },

  'playground: roles in an organization count there, and the API is found by typing': async (tools) => {
    const { api, person, spa, admin } = await withScopes(tools);
    const { management } = tools;
    await management.call('PATCH', `clients/${spa.client_id}`, { organization_usage: 'allow' });
    const team = await management.call('POST', 'organizations', { name: `play-${randomUUID().slice(0, 8)}`, display_name: 'Playing Team' });
    const [user] = await management.call('GET', `users-by-email?email=${encodeURIComponent(person.email)}`);
    await management.call('POST', `organizations/${team.id}/members`, { members: [user.user_id] });
    await management.call('POST', `organizations/${team.id}/members/${encodeURIComponent(user.user_id)}/roles`, { roles: [admin.id] });
    const [{ id: database }] = await management.call('GET', 'connections?name=Username-Password-Authentication');
    await management.call('POST', `organizations/${team.id}/enabled_connections`, { connection_id: database });

    const page = await openDashboard(tools, `playground?${new URLSearchParams({ client: spa.client_id })}`);
    await page.getByRole('combobox', { name: 'API' }).fill(api.name);
    await page.getByRole('option', { name: api.name }).click();
    await page.getByText(api.identifier, { exact: true }).first().waitFor();
    await page.getByLabel('User', { exact: true }).first().fill(person.email);
    await page.getByRole('option', { name: person.email }).click();
    const why = page.getByRole('region', { name: 'Why' });
    const item = why.getByRole('listitem').filter({ has: page.getByText('delete:x', { exact: true }) }).first();
    await item.getByText('refused').waitFor();
    await page.getByRole('combobox', { name: 'Organization' }).fill('playing');
    await page.getByRole('option', { name: 'Playing Team' }).click();
    await item.getByText('granted').waitFor();
    await page.getByText(`organization=${team.id}`).waitFor();
    await inspectScreen(page, 'playground-organization');
    await page.reload();
    await page.getByText(`organization=${team.id}`).waitFor();
    await item.getByText('granted').waitFor();
  },

  'playground: a machine is refused, and the link leads to what it lacks': async (tools) => {
    const { api } = await withScopes(tools);
    const machine = await tools.management.call('POST', 'clients', {
      name: `Machine ${randomUUID().slice(0, 8)}`, app_type: 'non_interactive', grant_types: ['client_credentials'],
    });
    await tools.management.grant(machine.client_id, api.identifier, ['read:x']);
    const search = new URLSearchParams({
      client: machine.client_id, audience: api.identifier, scope: 'read:x delete:x', flow: 'client_credentials',
    });
    const page = await openDashboard(tools, `playground?${search}`);
    const link = page.getByRole('link', { name: 'Open the API’s applications' }).first();
    await link.waitFor();
    await page.getByRole('button', { name: 'Run it' }).click();
    await page.getByRole('alert').getByText(/access_denied: /).waitFor();

    await link.click();
    await page.getByRole('checkbox', { name: `delete:x for ${machine.name}` }).check();
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByText('The access of one application was changed').waitFor();
    await page.goBack();
    await page.getByText('Everything asked for is granted.').waitFor();
    await page.getByRole('button', { name: 'Run it' }).click();
    const token = page.getByRole('region', { name: 'Access token: header and claims' });
    assert.match(await token.innerText(), /"scope": "read:x delete:x"/);
  },
};

/** An API with two scopes, somebody who may use one of them, a role that gives the other, an application. */
async function withScopes({ management }) {
  const id = randomUUID().slice(0, 8);
  const identifier = `https://play.example/${id}`;
  const scopes = ['read:x', 'delete:x'].map((value) => ({ value }));
  const api = await management.call('POST', 'resource-servers', { identifier, name: `Play ${id}`, scopes, enforce_policies: true });
  const role = async (name, scope) => {
    const made = await management.call('POST', 'roles', { name: `${name} ${id}` });
    const permissions = [{ resource_server_identifier: identifier, permission_name: scope }];
    await management.call('POST', `roles/${made.id}/permissions`, { permissions });
    return made;
  };
  const reader = await role('Reader', 'read:x');
  const admin = await role('Admin', 'delete:x');
  const person = { email: `play.${id}@example.com`, password: 'A-good-Passw0rd' };
  const user = await management.user(person.email, person.password);
  await management.call('POST', `users/${encodeURIComponent(user.user_id)}/roles`, { roles: [reader.id] });
  const spa = await management.spa(`Play ${id}`, 'https://spa.example');
  return { api, person, spa, admin };
}

/** Makes an API in the dashboard, and stays on its permissions. */
async function withNewApi(tools) {
  const name = `Things ${randomUUID().slice(0, 8)}`;
  const identifier = `https://things.example/${randomUUID()}`;
  const page = await openDashboard(tools, 'apis');
  await page.getByRole('button', { name: 'Create API' }).click();
  await inspectScreen(page, 'create');
  await page.getByLabel('Name', { exact: true }).fill(name);
  await page.getByLabel('Identifier').fill(identifier);
  await page.getByRole('dialog').getByRole('button', { name: 'Create API' }).click();
  await page.getByRole('heading', { level: 1, name }).waitFor();
  await page.getByText('No scopes yet').waitFor();
  return { page, name, identifier };
}

async function importOpenApi(page, text) {
  await page.getByRole('button', { name: 'Import from OpenAPI' }).click();
  const chooser = page.waitForEvent('filechooser');
  await page.getByRole('button', { name: 'Choose a file' }).click();
  await (await chooser).setFiles({ name: 'openapi.yaml', mimeType: 'application/yaml', buffer: Buffer.from(text) });
}

const OPENAPI = `openapi: 3.0.3
info: { title: Things, version: '1' }
components:
  securitySchemes:
    login:
      type: oauth2
      flows:
        authorizationCode:
          authorizationUrl: https://login.example/authorize
          tokenUrl: https://login.example/oauth/token
          scopes: { 'read:things': Read things, 'write:things': Change things }
security: [{ login: ['read:things'] }]
paths:
  /things:
    get: { responses: { 200: { description: ok } } }
    post: { security: [{ login: ['write:things'] }], responses: { 201: { description: ok } } }
  /health:
    get: { security: [], responses: { 200: { description: ok } } }
`;
