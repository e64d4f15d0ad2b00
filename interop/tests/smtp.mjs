// Mail of a server in production, through a real mail server: `chancery init`, then `chancery serve` with SMTP.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

import { python, pythonFolder } from '../lib/install.mjs';
import { Management } from '../lib/management.mjs';
import { start, stop, until } from '../lib/processes.mjs';
import { binary } from '../lib/server.mjs';

const SENDER = 'Grüße von Acme <no-reply@acme.example>';
const OLD = 'A-good-Passw0rd';

export default {
  'a link to choose a new password': async (tools) => {
    const mails = await mailServer(tools, {});
    const server = await production(tools, { CHANCERY_SMTP_URL: `smtp://127.0.0.1:${mails.port}` });
    await judged(tools, server, mails, 'jane@contacts.example');
    assert.equal(mails.taken().length, 1);
    assert.equal(mails.taken()[0].authenticated, false);
  },

  'over TLS, with a password': async (tools) => {
    const folder = dirname(tools.chancery.ca_file);
    const account = { user: 'acme', password: 'p@ss:w/rd' };
    const mails = await mailServer(tools, {
      certificate: join(folder, 'server.pem'), key: join(folder, 'server.key'), ...account,
    });
    const login = `${account.user}:${encodeURIComponent(account.password)}`;
    const server = await production(tools, {
      CHANCERY_SMTP_URL: `smtps://${login}@localhost:${mails.port}`,
      SSL_CERT_FILE: tools.chancery.ca_file,
    });
    await judged(tools, server, mails, 'jane@contacts.example');
    assert.equal(mails.taken()[0].authenticated, true);
    assert.doesNotMatch(server.log(), /w\/rd|w%2Frd/);
  },

  'a server that says later, and one that says no': async (tools) => {
    const mails = await mailServer(tools, {});
    const server = await production(tools, { CHANCERY_SMTP_URL: `smtp://127.0.0.1:${mails.port}` });
    for (const email of ['refused@contacts.example', 'later@contacts.example']) {
      await server.management.user(email, OLD);
      assert.equal((await server.forgotten(email)).status, 200);
    }
    await until(mails.process, () => mails.taken().length === 1);
    assert.deepEqual(mails.taken()[0].recipients, ['later@contacts.example']);
    assert.match(server.log(), /could not be delivered/);
    assert.doesNotMatch(server.log(), /reset-verify/, 'links are secrets');
  },
};

/** Asks for a link, reads the mail as its reader would, and chooses a new password with it. */
async function judged(tools, server, mails, email) {
  await server.management.user(email, OLD);
  const answer = await server.forgotten(email);
  assert.equal(answer.status, 200, await answer.text());
  await until(mails.process, () => mails.taken().length > 0);
  const mail = mails.taken()[0];
  assert.equal(mail.sender, 'no-reply@acme.example');
  assert.deepEqual(mail.recipients, [email]);
  assert.deepEqual(mail.defects, []);
  assert.ok(mail.longest_line <= 998, `a line of ${mail.longest_line} (RFC 5322, section 2.1.1)`);
  const { headers } = mail;
  assert.equal(headers.from, SENDER);
  assert.equal(headers.to, email);
  assert.match(headers.subject, /^Choose a new password - /);
  assert.match(headers['message-id'], /^<[^@\s]+@acme\.example>$/);
  assert.ok(Math.abs(new Date(headers.date) - Date.now()) < 60_000, headers.date);
  assert.equal(headers['mime-version'], '1.0');
  assert.equal(headers['auto-submitted'], 'auto-generated');
  assert.equal(mail.type, 'multipart/alternative');
  assert.deepEqual(Object.keys(mail.parts), ['text/plain', 'text/html'], 'the richest comes last');
  const link = mail.parts['text/plain'].match(/https?:\/\/\S+/)[0];
  assert.ok(link.startsWith(server.issuer), link);

  const page = await tools.browser.page();
  await page.setContent(mail.parts['text/html']);
  const shown = page.getByRole('link');
  assert.equal(await shown.getAttribute('href'), link, 'both parts have the same link');
  await page.goto(link);
  await page.locator('input#password').fill('Other-good-Passw0rd');
  await page.locator('input#password-repeat').fill('Other-good-Passw0rd');
  await page.getByRole('button', { name: 'Save password' }).click();
  await page.getByRole('heading', { name: 'Your password was changed' }).waitFor();
}

async function mailServer({ after }, settings) {
  const process = start(python, [join(pythonFolder, 'mail_server.py'), JSON.stringify(settings)]);
  after(() => stop(process));
  const lines = () => process.output.split('\n').filter((line) => line.startsWith('{')).map((line) => JSON.parse(line));
  const { port } = await until(process, () => process.output.includes('\n') && lines()[0]);
  return { process, port, taken: () => lines().slice(1) };
}

/** A new database with a tenant, served with these settings of the environment. */
async function production({ after }, settings) {
  const cwd = mkdtempSync(join(tmpdir(), 'chancery-interop-mail-'));
  const port = await freePort();
  const origin = `http://localhost:${port}`;
  const key = execFileSync(binary(), ['keys', 'generate-master'], { encoding: 'utf8' }).trim();
  const env = {
    CHANCERY_MASTER_KEY: key,
    CHANCERY_DATABASE: 'sqlite:chancery.db',
    CHANCERY_HTTP: `localhost:${port}`,
    CHANCERY_MAIL_FROM: SENDER,
    ...settings,
  };
  const init = ['init', '--tenant', 'acme', '--origin', origin, '--json'];
  const made = JSON.parse(execFileSync(binary(), init, { cwd, env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'ignore'] }));
  const server = start(binary(), ['serve'], { cwd, env });
  after(async () => {
    await stop(server);
    rmSync(cwd, { recursive: true, force: true });
  });
  await until(server, () => server.output.includes('serving '));
  const management = new Management({ issuer: `${origin}/`, clients: { management: made } });
  const { client_id } = await management.web('Address Book', 'https://contacts.example/callback');
  const forgotten = (email) => fetch(`${origin}/dbconnections/change_password`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ client_id, email, connection: 'Username-Password-Authentication' }),
  });
  return { issuer: `${origin}/`, management, forgotten, log: () => server.output };
}

/** A port that nobody listens at. */
function freePort() {
  const socket = createServer();
  return new Promise((resolve) => {
    socket.listen(0, '127.0.0.1', () => {
      const { port } = socket.address();
      socket.close(() => resolve(port));
    });
  });
}
