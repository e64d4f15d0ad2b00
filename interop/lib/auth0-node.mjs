// Run by tests/auth0-node.mjs in a process of its own.
import assert from 'node:assert/strict';

import { ManagementClient } from 'auth0';

const { DOMAIN, CLIENT_ID, CLIENT_SECRET } = process.env;
const management = new ManagementClient({ domain: DOMAIN, clientId: CLIENT_ID, clientSecret: CLIENT_SECRET });
const mark = Date.now().toString(36);

const api = await management.resourceServers.create({
  identifier: `https://${mark}.example/api`,
  name: 'Node',
  scopes: [{ value: 'read:things', description: 'Read things' }, { value: 'write:things' }],
});
const client = await management.clients.create({ name: `Node ${mark}`, app_type: 'non_interactive', grant_types: ['client_credentials'] });
const grant = await management.clientGrants.create({ client_id: client.client_id, audience: api.identifier, scope: ['read:things'] });
assert.deepEqual(grant.scope, ['read:things']);
const narrowed = await management.resourceServers.update(api.id, { scopes: [{ value: 'write:things' }] });
assert.deepEqual(narrowed.scopes.map((scope) => scope.value), ['write:things']);

const user = await management.users.create({
  connection: 'Username-Password-Authentication',
  email: `${mark}@example.com`,
  password: 'Correct-Horse-7',
});
const role = await management.roles.create({ name: `Node ${mark}` });
await management.users.roles.assign(user.user_id, { roles: [role.id] });
const held = await management.users.roles.list(user.user_id);
assert.deepEqual(held.data.map((each) => each.id), [role.id]);

const organization = await management.organizations.create({ name: `node-${mark}`, display_name: 'Node' });
await management.organizations.members.create(organization.id, { members: [user.user_id] });
const members = await management.organizations.members.list(organization.id);
assert.deepEqual(members.data.map((each) => each.user_id), [user.user_id]);

// Pages follow each other until there are no more.
let seen = 0;
for await (const each of await management.clients.list({ per_page: 2 })) seen += each.client_id ? 1 : 0;
assert.ok(seen >= 5, `${seen} applications`);

await assert.rejects(management.users.get('auth0|none'), (error) => {
  assert.equal(error.statusCode, 404);
  assert.equal(error.body.errorCode, 'inexistent_user');
  return true;
});
await assert.rejects(management.resourceServers.create({ identifier: api.identifier }), (error) => error.statusCode === 409);

const ticket = await management.tickets.changePassword({ user_id: user.user_id });
assert.match(ticket.ticket, /ticket=/);
await management.organizations.delete(organization.id);
await management.roles.delete(role.id);
await management.users.delete(user.user_id);
await management.clients.delete(client.client_id);
await management.resourceServers.delete(api.id);
console.log('done');
