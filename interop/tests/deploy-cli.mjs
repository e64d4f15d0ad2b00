// auth0-deploy-cli: a tenant is exported, imported, and exported again without a difference; a change goes in. Its files and
// those of `chancery export` mean the same.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';

import { interopFolder } from '../lib/install.mjs';
import { start } from '../lib/processes.mjs';
import { binary } from '../lib/server.mjs';

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

  'what it exports is no change to `chancery plan`': async (tools) => {
    await furnish(tools);
    for (const format of ['yaml', 'directory']) {
      const folder = scratch(tools, `theirs-${format}`);
      await run(tools, ['export', '--format', format, '--output_folder', folder]);
      await noChange(tools, format === 'yaml' ? join(folder, 'tenant.yaml') : folder);
    }
  },

  'a file of `chancery export` changes nothing when it is imported': (tools) => imported(tools, 'tenant.yaml'),

  'a folder of `chancery export` changes nothing when it is imported': (tools) => imported(tools, 'folder'),
};

const folders = new Map();

async function imported(tools, name) {
  const target = join(scratch(tools, 'ours'), name);
  await own(tools, ['export', target]);
  await run(tools, ['import', '--input_file', target]);
  await noChange(tools, target);
}

/** Things that files can say, and that a new tenant has not. */
async function furnish({ management, after }) {
  const mark = Date.now().toString(36);
  const api = await management.call('POST', 'resource-servers', {
    identifier: `https://${mark}.example`, name: `API ${mark}`, scopes: [{ value: 'read:it', description: 'Read: it' }],
  });
  const client = await management.call('POST', 'clients', {
    name: `Client ${mark}`, app_type: 'non_interactive', client_metadata: { team: 'one' }, callbacks: ['https://a.example/cb'],
  });
  const grant = await management.call('POST', 'client-grants', {
    client_id: client.client_id, audience: api.identifier, scope: ['read:it'], organization_usage: 'allow',
  });
  const connection = await management.call('POST', 'connections', { name: `db-${mark}`, strategy: 'auth0' });
  const organization = await management.call('POST', 'organizations', { name: `org-${mark}`, display_name: 'Org' });
  await management.call('POST', `organizations/${organization.id}/enabled_connections`, { connection_id: connection.id });
  await management.call('POST', `organizations/${organization.id}/client-grants`, { grant_id: grant.id });
  await management.call('PUT', 'prompts/login/custom-text/en', { login: { title: 'Hello' } });
  after(async () => {
    await management.call('PUT', 'prompts/login/custom-text/en', {});
    await management.call('DELETE', `organizations/${organization.id}`);
    await management.call('DELETE', `connections/${connection.id}`);
    await management.call('DELETE', `clients/${client.client_id}`);
    await management.call('DELETE', `resource-servers/${api.id}`);
  });
}

function scratch({ after }, name) {
  const folder = mkdtempSync(join(tmpdir(), `chancery-deploy-${name}-`));
  after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

async function noChange(tools, path) {
  assert.equal((await own(tools, ['plan', path, '--delete'])).trim(), 'No changes.');
}

/** Our own command line; resolves to what it wrote to stdout. */
async function own({ chancery }, words) {
  const env = {
    ...process.env,
    CHANCERY_URL: chancery.issuer,
    CHANCERY_CLIENT_ID: chancery.clients.management.client_id,
    CHANCERY_CLIENT_SECRET: chancery.clients.management.client_secret,
  };
  return new Promise((resolve, refuse) => {
    execFile(binary(), words, { env }, (error, stdout, stderr) => {
      if (error) refuse(new Error(`chancery ${words.join(' ')}: ${stdout}${stderr}`));
      else resolve(stdout);
    });
  });
}

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
