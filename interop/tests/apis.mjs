// APIs that accept and refuse by scope: the two examples, as they are.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { authorize } from '../lib/browser.mjs';
import { axumExample, projectFolder } from '../lib/install.mjs';
import { start, stop, until } from '../lib/processes.mjs';
import { serveSite } from '../lib/site.mjs';
import { claims, tokenRequest } from '../lib/tokens.mjs';

const ASKED = 'openid read:contacts delete:contacts';

export default {
  'Express: reading and deleting as the roles of Jane and Sam say': (tools) => rolesDecide(tools, express),
  'axum: reading and deleting as the roles of Jane and Sam say': (tools) => rolesDecide(tools, axum),
  'Express: the README shows the example as it is': async () => {
    const read = (path) => readFile(join(projectFolder, path), 'utf8');
    const [readme, example] = await Promise.all([read('README.md'), read('examples/express-api/server.js')]);
    assert.ok(readme.includes(example.trim()), 'examples/express-api/server.js stands in README.md, word for word');
  },
  'Express: a machine may read': (tools) => machineReads(tools, express),
  'axum: a machine may read': (tools) => machineReads(tools, axum),
  'Express: no token, broken tokens and tokens for others': (tools) => othersRefused(tools, express),
  'axum: no token, broken tokens and tokens for others': (tools) => othersRefused(tools, axum),
};

async function rolesDecide(tools, kind) {
  const call = await started(tools, kind);
  const { user: jane, admin: sam } = tools.chancery;

  const janes = await userToken(tools, jane, ASKED);
  assert.equal(claims(janes).scope, 'openid read:contacts');
  assert.deepEqual(await call('GET', '/contacts', janes), 200);
  assert.deepEqual(await call('DELETE', '/contacts/1', janes), 403);

  const sams = await userToken(tools, sam, ASKED);
  assert.equal(claims(sams).scope, 'openid read:contacts delete:contacts');
  assert.deepEqual(await call('GET', '/contacts', sams), 200);
  assert.deepEqual(await call('DELETE', '/contacts/1', sams), 200);

  // A token carries what was asked for, not all that Sam may do.
  const lesser = await userToken(tools, sam, 'openid read:contacts');
  assert.deepEqual(await call('DELETE', '/contacts/2', lesser), 403);
}

async function machineReads(tools, kind) {
  const call = await started(tools, kind);
  const { issuer, api, clients } = tools.chancery;
  const { client_id, client_secret } = clients.m2m;
  const form = { grant_type: 'client_credentials', client_id, client_secret, audience: api.identifier };
  const { status, body } = await tokenRequest(issuer, form);
  assert.equal(status, 200, JSON.stringify(body));
  assert.equal(body.scope, 'read:contacts');
  assert.deepEqual(await call('GET', '/contacts', body.access_token), 200);
  assert.deepEqual(await call('DELETE', '/contacts/1', body.access_token), 403);
}

async function othersRefused(tools, kind) {
  const call = await started(tools, kind);
  assert.equal(await call('GET', '/contacts'), 401);
  assert.equal(await call('GET', '/contacts', 'not.a.token'), 401);

  const good = await userToken(tools, tools.chancery.admin, ASKED);
  const [head, body, signature] = good.split('.');
  const more = Buffer.from(JSON.stringify({ ...claims(good), scope: 'read:contacts delete:contacts' })).toString('base64url');
  assert.equal(await call('GET', '/contacts', `${head}.${more}.${signature}`), 401);
  const unsigned = Buffer.from('{"alg":"none","typ":"JWT"}').toString('base64url');
  assert.equal(await call('GET', '/contacts', `${unsigned}.${body}.`), 401);

  const management = await tools.management.fetchToken();
  assert.equal(await call('GET', '/contacts', management), 401, 'a token for another API');
  assert.equal(await call('GET', '/contacts', good), 200);
}

/** Starts the API; calls resolve to the status. */
async function started({ chancery, after }, kind) {
  const environment = { ISSUER: chancery.issuer, AUDIENCE: chancery.api.identifier, PORT: '0' };
  const child = kind(environment);
  after(() => stop(child));
  const [, origin] = await until(child, () => child.output.match(/listening on (http:\S+)/));
  return async (method, path, token) => {
    const response = await fetch(`${origin}${path}`, { method, headers: token && { authorization: `Bearer ${token}` } });
    await response.arrayBuffer();
    if (response.status === 401 || response.status === 403) {
      assert.match(response.headers.get('www-authenticate') ?? '', /^Bearer/);
    }
    return response.status;
  };
}

function express(env) {
  return start(process.execPath, ['server.js'], { env, cwd: join(projectFolder, 'examples/express-api') });
}

function axum(env) {
  return start(axumExample(), [], { env });
}

/** What an application gets for somebody who signs in. */
async function userToken({ chancery, management, browser, after }, person, scope) {
  const site = await serveSite();
  after(site.close);
  const redirect_uri = `${site.origin}/callback`;
  const { client_id, client_secret } = await management.web('Contacts', redirect_uri);
  const request = new URL(`${chancery.issuer}authorize`);
  request.search = new URLSearchParams({
    response_type: 'code', client_id, redirect_uri, scope, audience: chancery.api.identifier, state: 'here',
  });
  const back = await authorize(await browser.page(), request, person, redirect_uri);
  const code = back.searchParams.get('code');
  assert.ok(code, back.href);
  const form = { grant_type: 'authorization_code', client_id, client_secret, redirect_uri, code };
  const { status, body } = await tokenRequest(chancery.issuer, form);
  assert.equal(status, 200, JSON.stringify(body));
  return body.access_token;
}
