// Five jobs of the person who works here, counted in steps: clicks and fields, from the overview to the end. docs/CONSOLES.md
// compares the numbers with those of other consoles; a change that makes a job longer fails here.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';

import { openDashboard } from '../lib/dashboard.mjs';

export default {
  'define an API with two scopes': (tools) =>
    job(tools, { clicks: 5, fields: 3 }, async ({ page, click, fill }) => {
      const name = `Invoices ${randomUUID().slice(0, 8)}`;
      const identifier = `https://invoices.example/${randomUUID()}`;
      await click(section(page, 'APIs'));
      await click(page.getByRole('button', { name: 'Create API' }));
      await fill(page.getByLabel('Name', { exact: true }), name);
      await fill(page.getByLabel('Identifier'), identifier);
      await click(page.getByRole('dialog').getByRole('button', { name: 'Create API' }));
      await click(page.getByRole('button', { name: 'Paste many' }));
      await fill(page.getByRole('dialog').getByLabel('Scopes'), 'read:invoices\tRead your invoices\nwrite:invoices\tWrite invoices');
      await click(page.getByRole('dialog').getByRole('button', { name: 'Add scopes' }));
      await page.getByRole('button', { name: 'Remove write:invoices' }).waitFor();
      const api = await tools.management.call('GET', `resource-servers/${encodeURIComponent(identifier)}`);
      assert.deepEqual(api.scopes.map(({ value }) => value), ['read:invoices', 'write:invoices']);
    }),

  'grant an application two scopes': async (tools) => {
    const api = await newApi(tools);
    const machine = await tools.management.call('POST', 'clients', {
      name: `A machine ${randomUUID().slice(0, 8)}`, app_type: 'non_interactive', grant_types: ['client_credentials'],
    });
    await job(tools, { clicks: 7, fields: 0 }, async ({ page, click }) => {
      await click(section(page, 'Applications'));
      await click(page.getByRole('link', { name: machine.name }));
      await click(page.getByRole('tab', { name: 'APIs' }));
      await click(page.getByRole('button', { name: `Grant access to ${api.name}: in its own name` }));
      await click(page.getByRole('checkbox', { name: 'read:x' }));
      await click(page.getByRole('checkbox', { name: 'write:x' }));
      await click(page.getByRole('dialog').getByRole('button', { name: 'Save' }));
      await page.getByText('2 scopes').waitFor();
    });
  },

  'give somebody access by a new role': async (tools) => {
    const api = await newApi(tools);
    const person = { email: `job.${randomUUID().slice(0, 8)}@example.com` };
    const user = await tools.management.user(person.email, 'A-good-Passw0rd');
    await job(tools, { clicks: 10, fields: 3 }, async ({ page, click, fill }) => {
      await click(section(page, 'Roles'));
      await click(page.getByRole('button', { name: 'Create role' }).first());
      await fill(page.getByRole('textbox', { name: 'Name', exact: true }), `Clerk ${randomUUID().slice(0, 8)}`);
      await click(page.getByRole('dialog').getByRole('button', { name: 'Create role' }));
      await click(page.getByRole('button', { name: 'Add permissions' }));
      await fill(page.getByRole('combobox', { name: 'API' }), api.name);
      await click(page.getByRole('option', { name: api.name }));
      await click(page.getByRole('checkbox', { name: 'read:x' }));
      await click(page.getByRole('button', { name: 'Give 1' }));
      await click(page.getByRole('tab', { name: 'Users' }));
      await fill(page.getByRole('combobox', { name: 'Give it to' }), person.email);
      await click(page.getByRole('option', { name: person.email }));
      await click(page.getByRole('button', { name: 'Give role' }));
      await page.getByRole('link', { name: person.email }).waitFor();
    });
    const held = await tools.management.call('GET', `users/${encodeURIComponent(user.user_id)}/permissions`);
    assert.deepEqual(held.map(({ permission_name: scope }) => scope), ['read:x']);
  },

  'find out why a scope is missing from a token': async (tools) => {
    const api = await newApi(tools);
    const machine = await tools.management.call('POST', 'clients', {
      name: `Short ${randomUUID().slice(0, 8)}`, app_type: 'non_interactive', grant_types: ['client_credentials'],
    });
    await tools.management.grant(machine.client_id, api.identifier, ['read:x']);
    const answer = await fetch(`${tools.chancery.issuer}oauth/token`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        grant_type: 'client_credentials', client_id: machine.client_id, client_secret: machine.client_secret, audience: api.identifier,
        scope: 'read:x write:x',
      }),
    });
    assert.equal(answer.status, 403);
    await job(tools, { clicks: 2, fields: 0 }, async ({ page, click }) => {
      await click(section(page, 'Logs'));
      await click(page.getByRole('link', { name: new RegExp(machine.name) }).first());
      const refused = page.getByRole('listitem').filter({ hasText: 'write:x' }).first();
      await refused.getByText('refused', { exact: true }).first().waitFor();
    });
  },

  'rotate the signing key': (tools) =>
    job(tools, { clicks: 3, fields: 0 }, async ({ page, click }) => {
      await click(section(page, 'Signing keys'));
      await click(page.getByRole('button', { name: 'Rotate', exact: true }));
      await click(page.getByRole('button', { name: 'Rotate keys' }));
      await page.getByText('Verifies only').waitFor();
    }),
};

/** Does a job from the overview on, and holds its steps to what they were. */
async function job(tools, wanted, work) {
  const page = await openDashboard(tools);
  await page.getByRole('heading', { level: 1, name: 'Overview' }).waitFor();
  const steps = { clicks: 0, fields: 0 };
  const screens = new Set();
  const seen = () => screens.add(new URL(page.url()).pathname);
  await work({
    page,
    async click(locator) {
      seen();
      await locator.click();
      steps.clicks += 1;
    },
    async fill(locator, text) {
      await locator.fill(text);
      steps.fields += 1;
    },
  });
  seen();
  console.log(`    ${steps.clicks} clicks, ${steps.fields} fields, ${screens.size} screens`);
  assert.deepEqual(steps, wanted);
}

function section(page, name) {
  return page.getByRole('navigation', { name: 'Sections' }).getByRole('link', { name, exact: true });
}

function newApi({ management }) {
  const id = randomUUID().slice(0, 8);
  const scopes = ['read:x', 'write:x'].map((value) => ({ value }));
  return management.call('POST', 'resource-servers', { identifier: `https://job.example/${id}`, name: `A job ${id}`, scopes, enforce_policies: true });
}
