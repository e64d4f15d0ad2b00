// What the README and the guide tell a reader to run, run as it stands but for the address of the server.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { projectFolder } from '../lib/install.mjs';
import { binary } from '../lib/server.mjs';
import { claims } from '../lib/tokens.mjs';

export default {
  'README: from nothing to a scoped token, and why a scope is missing': async (tools) => {
    const text = await readFile(join(projectFolder, 'README.md'), 'utf8');
    const [define, explain] = [...text.matchAll(/^```sh\n(.*?)^```$/gms)].map(([, block]) => block);
    const run = shell(tools);
    const token = lastObject(await run(define));
    assert.equal(token.scope, 'read:invoices');
    assert.deepEqual(claims(token.access_token).aud, 'https://invoices.example/api');
    const why = await run(explain, 1);
    assert.match(why, /pay:invoices +no/);
    // The command that it gives does it.
    await run(why.match(/^ +(chancery api call .*)$/m)[1]);
    assert.match(await run(explain), /pay:invoices +yes/);
  },

  'guide: users and roles': async (tools) => {
    const { management, after } = tools;
    after(async () => {
      const [user] = await management.call('GET', 'users-by-email?email=lee@example.com');
      const role = (await management.call('GET', 'roles')).find(({ name }) => name === 'Clerk');
      await management.call('DELETE', `users/${encodeURIComponent(user.user_id)}`);
      await management.call('DELETE', `roles/${role.id}`);
      await management.call('DELETE', `resource-servers/${encodeURIComponent('https://orders.example/api')}`);
    });
    const access = await shell(tools)(await block('roles'));
    assert.match(access, /^https:\/\/orders\.example\/api +pay:orders +role Clerk/m);
    assert.doesNotMatch(access, /api +read:orders/);
  },

  'guide: a token on behalf of a user': async (tools) => {
    const token = lastObject(await shell(tools)(await block('on-behalf-of')));
    assert.equal(token.scope, 'read:invoices');
    const { aud, act } = claims(token.access_token);
    assert.equal(aud, 'https://invoices.example/api');
    assert.equal(act.act.sub, tools.chancery.clients.web.client_id);
  },

  'guide: a token of another system': async (tools) => {
    const token = lastObject(await shell(tools)(await block('custom')));
    assert.equal(token.scope, 'read:contacts');
    assert.match(claims(token.access_token).sub, /^auth0\|/);
  },
};

/** The block of the guide that is marked with a name. */
async function block(name) {
  const text = await readFile(join(projectFolder, 'docs/GUIDE.md'), 'utf8');
  const found = text.match(new RegExp(`<!-- run: ${name} -->\\n\`\`\`sh\\n(.*?)^\`\`\`$`, 'ms'));
  assert.ok(found, `the guide has a block ${name}`);
  return found[1];
}

/** Runs lines in a folder of their own, with this server as the one that is meant. Resolves to what they print. */
function shell({ chancery, management, after }) {
  const folder = mkdtempSync(join(tmpdir(), 'chancery-guide-'));
  after(() => rmSync(folder, { recursive: true, force: true }));
  // What is made here is made by other examples too.
  after(() => management.call('DELETE', `resource-servers/${encodeURIComponent('https://invoices.example/api')}`));
  symlinkSync(binary(), join(folder, 'chancery'));
  mkdirSync(join(folder, '.chancery'));
  const env = { ...process.env, PATH: `${folder}:${process.env.PATH}`, CHANCERY_READY_FILE: chancery.readyFile };
  return async (lines, status = 0) => {
    const script = lines.replaceAll('http://localhost:4000/', chancery.issuer).replace(/^export PATH=.*$/m, '');
    const ran = await promisify(execFile)('bash', ['-euc', script], { cwd: folder, env }).catch((error) => error);
    assert.equal(ran.code ?? 0, status, `${ran.stdout}\n${ran.stderr}`);
    return ran.stdout;
  };
}

/** The answer of the token endpoint, which is the last line. */
function lastObject(text) {
  return JSON.parse(text.slice(text.lastIndexOf('\n{"') + 1));
}
