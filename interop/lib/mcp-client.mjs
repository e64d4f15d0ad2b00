// Run by tests/mcp-server.mjs in a process of its own: asks the vendor's MCP server for its tools and calls some.
import assert from 'node:assert/strict';
import { join } from 'node:path';

import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';

import { interopFolder } from './install.mjs';

const { HOME, NODE_EXTRA_CA_CERTS, PATH, CHANCERY } = process.env;
const { https_issuer: issuer, clients, api } = JSON.parse(CHANCERY);

const answer = await fetch(`${issuer}oauth/token`, {
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify({
    grant_type: 'client_credentials',
    client_id: clients.management.client_id,
    client_secret: clients.management.client_secret,
    audience: `${issuer}api/v2/`,
  }),
});
const { access_token: token } = await answer.json();
assert.ok(token, 'no token for the Management API');

const client = new Client({ name: 'chancery-interop', version: '1.0.0' });
await client.connect(new StdioClientTransport({
  command: process.execPath,
  args: [join(interopFolder, 'node_modules/@auth0/auth0-mcp-server/dist/index.js'), 'run'],
  // Token and domain by environment: no keychain and no device flow.
  env: {
    PATH, HOME, NODE_EXTRA_CA_CERTS,
    AUTH0_TOKEN: token,
    AUTH0_DOMAIN: new URL(issuer).host,
    AUTH0_MCP_ANALYTICS: 'false',
  },
}));

/** What a tool says, as JSON; one item for each content where it gives several. */
async function call(name, args = {}) {
  const { content, isError } = await client.callTool({ name, arguments: args });
  assert.ok(!isError, `${name}: ${JSON.stringify(content)}`);
  const parts = content.map((part) => JSON.parse(part.text));
  return parts.length === 1 ? parts[0] : parts;
}

const { tools } = await client.listTools();
const names = tools.map((tool) => tool.name);
for (const name of ['auth0_list_applications', 'auth0_create_resource_server', 'auth0_list_logs']) {
  assert.ok(names.includes(name), `${name} is not among ${names}`);
}

const { applications } = await call('auth0_list_applications');
const m2m = applications.find((each) => each.id === clients.m2m.client_id);
assert.equal(m2m?.type, 'non_interactive');
const one = await call('auth0_get_application', { client_id: clients.m2m.client_id });
assert.equal(one.client_id, clients.m2m.client_id);

const listed = (await call('auth0_list_resource_servers')).resource_servers;
assert.deepEqual(
  listed.map((each) => each.identifier).filter((identifier) => [`${issuer}api/v2/`, api.identifier].includes(identifier)).sort(),
  [`${issuer}api/v2/`, api.identifier].sort(),
);

const identifier = 'https://mcp.example/api';
const made = await call('auth0_create_resource_server', {
  name: 'Made by a tool',
  identifier,
  scopes: [{ value: 'read:things', description: 'Read things' }],
});
assert.equal(made.identifier, identifier);
const changed = await call('auth0_update_resource_server', {
  id: made.id,
  scopes: [{ value: 'read:things' }, { value: 'write:things' }],
});
assert.deepEqual(changed.scopes.map((scope) => scope.value), ['read:things', 'write:things']);
const read = await call('auth0_get_resource_server', { id: made.id });
assert.deepEqual(read.scopes, changed.scopes);

const application = await call('auth0_create_application', { name: 'Made by a tool', app_type: 'non_interactive' });
await call('auth0_create_application_grant', { client_id: application.client_id, audience: identifier, scope: ['read:things'] });
const renamed = await call('auth0_update_application', { client_id: application.client_id, name: 'Renamed by a tool' });
assert.equal(renamed.name, 'Renamed by a tool');

// What happened is in the log; of what there cannot be there are empty lists.
const logs = [await call('auth0_list_logs')].flat();
assert.ok(logs.some((event) => event.type === 'sapi'), JSON.stringify(logs.slice(0, 3)));
assert.deepEqual((await call('auth0_list_actions')).actions, []);
assert.deepEqual((await call('auth0_list_forms')).forms, []);

// What is refused is told in the words of the server.
const refused = await client.callTool({ name: 'auth0_create_resource_server', arguments: { name: 'Again', identifier } });
assert.ok(refused.isError, JSON.stringify(refused));
assert.match(refused.content[0].text, /already exists/);

await client.close();
console.log(`done with ${names.length} tools`);
