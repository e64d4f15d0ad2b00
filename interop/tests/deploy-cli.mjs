// auth0-deploy-cli: a tenant is exported, imported, and exported again without a difference; a change goes in.
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';

import { interopFolder } from '../lib/install.mjs';
import { start } from '../lib/processes.mjs';

export default {
  'export': async (tools) => {
    // Applications of the other tests share their names, which the tool does not take.
    await fetch(`${tools.chancery.issuer}dev/reset`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ seed: 'demo' }),
    });
    const folder = await exported(tools, 'first');
    const tenant = readFileSync(join(folder, 'tenant.yaml'), 'utf8');
    assert.match(tenant, /identifier: https:\/\/contacts\.example\/api/);
    assert.match(tenant, /value: delete:contacts/);
  },

  'import of what was exported, with a scope more': async (tools) => {
    const file = join(folders.get('first'), 'tenant.yaml');
    const more = '      - value: write:contacts\n        description: Change your contacts\n';
    const before = readFileSync(file, 'utf8');
    const after = before.replace(/( {6}- value: delete:contacts\n(?: {8}.*\n)*)/, `$1${more}`);
    assert.notEqual(after, before);
    writeFileSync(file, after);
    await run(tools, ['import', '--input_file', file]);
    const api = await tools.management.call('GET', `resource-servers/${encodeURIComponent(tools.chancery.api.identifier)}`);
    assert.deepEqual(api.scopes.map((scope) => scope.value), ['read:contacts', 'delete:contacts', 'write:contacts']);
  },

  'export again, with no difference': async (tools) => {
    const [first, second] = [folders.get('first'), await exported(tools, 'second')];
    try {
      assert.deepEqual(files(second), files(first));
      for (const name of files(first)) {
        assert.equal(readFileSync(join(second, name), 'utf8'), readFileSync(join(first, name), 'utf8'), name);
      }
    } finally {
      for (const folder of [first, second]) rmSync(folder, { recursive: true, force: true });
      const scopes = [
        { value: 'read:contacts', description: 'Read your contacts' },
        { value: 'delete:contacts', description: 'Delete your contacts' },
      ];
      await tools.management.call('PATCH', `resource-servers/${encodeURIComponent(tools.chancery.api.identifier)}`, { scopes });
    }
  },
};

const folders = new Map();

async function exported(tools, name) {
  const folder = mkdtempSync(join(tmpdir(), `chancery-deploy-${name}-`));
  folders.set(name, folder);
  const log = await run(tools, ['export', '--format', 'yaml', '--output_folder', folder]);
  assert.ok(existsSync(join(folder, 'tenant.yaml')), log);
  return folder;
}

async function run({ chancery }, words) {
  const tool = start(process.execPath, [join(interopFolder, 'node_modules/auth0-deploy-cli/lib/index.js'), ...words], {
    env: {
      ...process.env,
      NODE_EXTRA_CA_CERTS: chancery.ca_file,
      AUTH0_DOMAIN: new URL(chancery.https_issuer).host,
      AUTH0_CLIENT_ID: chancery.clients.management.client_id,
      AUTH0_CLIENT_SECRET: chancery.clients.management.client_secret,
    },
  });
  assert.equal(await tool.ended, 0, tool.output);
  return tool.output;
}

function files(folder) {
  const all = readdirSync(folder, { recursive: true }).map(String);
  return all.filter((name) => statSync(join(folder, name)).isFile()).map((name) => relative('.', name)).sort();
}
