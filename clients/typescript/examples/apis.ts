// Lists the APIs of a tenant, makes one, reads it back and takes it away again.
//
//   CHANCERY_URL=https://auth.example CHANCERY_CLIENT_ID=... CHANCERY_CLIENT_SECRET=... node build/examples/apis.js
import assert from 'node:assert/strict';

import { managementClient, type Problem } from '../src/index.js';

const { CHANCERY_URL: origin, CHANCERY_CLIENT_ID: client_id, CHANCERY_CLIENT_SECRET: client_secret } = process.env;
assert.ok(origin && client_id && client_secret, 'set CHANCERY_URL, CHANCERY_CLIENT_ID and CHANCERY_CLIENT_SECRET');

async function fetchToken(): Promise<string> {
  const response = await fetch(new URL('/oauth/token', origin), {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      grant_type: 'client_credentials',
      client_id,
      client_secret,
      audience: new URL('/api/v2/', origin).href,
    }),
  });
  const body: { access_token?: string; error_description?: string } = await response.json();
  if (body.access_token === undefined) throw new Error(body.error_description ?? 'no token');
  return body.access_token;
}

const token = fetchToken();
const management = managementClient(origin, () => token);

function problem(error: Problem): Error {
  return new Error(`${error.statusCode} ${error.error}: ${error.message}`);
}

const listed = await management.GET('/resource-servers', { params: { query: { per_page: 50, include_totals: true } } });
if (listed.error) throw problem(listed.error);
assert.ok(!Array.isArray(listed.data) && 'total' in listed.data);
console.log(`${listed.data.total} APIs: ${listed.data.resource_servers.map((api) => api.identifier).join(', ')}`);

const identifier = `https://${crypto.randomUUID()}.example/api`;
const scopes = [{ value: 'read:things', description: 'Read things' }];
const made = await management.POST('/resource-servers', { body: { identifier, name: 'Things', scopes } });
if (made.error) throw problem(made.error);

const read = await management.GET('/resource-servers/{id}', { params: { path: { id: made.data.id } } });
if (read.error) throw problem(read.error);
assert.equal(read.data.identifier, identifier);
assert.deepEqual(read.data.scopes, scopes);
console.log(`made and read back ${read.data.identifier} with ${read.data.scopes?.map((scope) => scope.value).join(', ')}`);

const again = await management.POST('/resource-servers', { body: { identifier } });
assert.equal(again.response.status, 409);
console.log(`again: ${again.error?.message}`);

const gone = await management.DELETE('/resource-servers/{id}', { params: { path: { id: made.data.id } } });
if (gone.error) throw problem(gone.error);
console.log('taken away');
