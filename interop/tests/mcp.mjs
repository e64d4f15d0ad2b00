// The MCP SDK, unmodified on both sides: a client that nobody registered finds the authorization server from a refusal, signs in,
// calls a tool, is refused the next one for want of a scope, asks for it, and calls it.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { UnauthorizedError } from '@modelcontextprotocol/sdk/client/auth.js';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';

import { accept, logIn } from '../lib/browser.mjs';
import { inspect, pictures } from '../lib/inspect.mjs';
import { Management } from '../lib/management.mjs';
import { serveNotes } from '../lib/notes-server.mjs';
import { startChancery } from '../lib/server.mjs';
import { serveSite } from '../lib/site.mjs';
import { claims } from '../lib/tokens.mjs';

export default {
  'a client that describes itself signs in, and steps up': async ({ browser, after }) => {
    const publisher = await publish();
    after(() => publisher.close());
    const chancery = await startChancery({
      options: ['--fetch-networks', '127.0.0.1', '--fetch-ca-file', publisher.certificate],
    });
    after(() => chancery.stop());
    const site = await serveSite();
    after(() => site.close());
    const notes = await serveNotes(chancery.issuer);
    after(() => notes.close());
    await prepare(chancery, notes.identifier);

    const callback = `${site.origin}/callback`;
    // Without the port, which is another one each time the program runs (RFC 8252).
    publisher.describe({ client_name: 'Notebook agent', redirect_uris: ['http://localhost/callback'] });
    const provider = new Provider(publisher.url, callback);
    const connect = async () => {
      const client = new Client({ name: 'interop', version: '1.0.0' });
      const transport = new StreamableHTTPClientTransport(new URL(notes.identifier), { authProvider: provider });
      return { client, transport, ready: client.connect(transport) };
    };
    const first = await connect();
    await assert.rejects(first.ready, UnauthorizedError);
    const request = provider.sentTo;
    assert.equal(request.searchParams.get('client_id'), publisher.url);
    assert.equal(request.searchParams.get('resource'), notes.identifier);

    const page = await browser.page();
    await page.goto(String(request));
    await logIn(page, chancery.user);
    await page.getByRole('button', { name: 'Accept', exact: true }).waitFor();
    assert.match(await page.locator('main').innerText(), new RegExp(`known only by its address: ${publisher.host}`));
    await inspect(page, 'consent to an application that nobody registered');
    await pictures(page, 'consent-described');
    await first.transport.finishAuth(await agreed(page, callback));
    const read = claims(provider.tokens().access_token);
    assert.deepEqual([read.aud, read.azp, read.scope], [notes.identifier, publisher.url, 'read:notes']);

    const second = await connect();
    await second.ready;
    const told = JSON.parse((await second.client.callTool({ name: 'read_notes' })).content[0].text);
    assert.deepEqual(told, { notes: [], for: read.sub, by: publisher.url });

    // 403 insufficient_scope: the SDK asks for the scopes that the refusal names.
    await assert.rejects(second.client.callTool({ name: 'write_note' }), UnauthorizedError);
    assert.equal(provider.sentTo.searchParams.get('scope'), 'read:notes write:notes');
    await page.goto(String(provider.sentTo));
    await page.getByRole('button', { name: 'Accept', exact: true }).waitFor();
    await second.transport.finishAuth(await agreed(page, callback));
    assert.equal(claims(provider.tokens().access_token).scope, 'read:notes write:notes');
    const written = await second.client.callTool({ name: 'write_note' });
    assert.equal(written.content[0].text, 'done');
    const after_all = JSON.parse((await second.client.callTool({ name: 'read_notes' })).content[0].text);
    assert.deepEqual(after_all.notes, ['written']);
    await second.client.close();
  },
};

/** Says yes, and resolves to the code that the application is called back with. */
async function agreed(page, callback) {
  await accept(page);
  await page.waitForURL((url) => url.href.startsWith(callback));
  return new URL(page.url()).searchParams.get('code');
}

/** The API of the notes, whose two scopes such clients may have. */
async function prepare(chancery, identifier) {
  const management = new Management(chancery);
  await management.call('POST', 'resource-servers', {
    identifier, name: 'Notes', scopes: [{ value: 'read:notes' }, { value: 'write:notes' }],
  });
  const response = await fetch(`${chancery.issuer}api/chancery/v1/agent-access`, {
    method: 'PUT',
    headers: { authorization: `Bearer ${await management.fetchToken()}`, 'content-type': 'application/json' },
    body: JSON.stringify({
      client_id_metadata_documents: {
        enabled: true,
        apis: [{ identifier, scope: ['read:notes', 'write:notes'] }],
        connections: ['Username-Password-Authentication'],
      },
    }),
  });
  assert.equal(response.status, 200, await response.text());
}

/** What the SDK asks of a program that uses it: keeps things, and opens the browser. */
class Provider {
  constructor(clientMetadataUrl, redirectUrl) {
    Object.assign(this, { clientMetadataUrl, redirectUrl });
    this.clientMetadata = { client_name: 'Notebook agent', redirect_uris: [redirectUrl] };
    this.kept = {};
  }
  clientInformation() { return this.kept.client; }
  saveClientInformation(client) { this.kept.client = client; }
  tokens() { return this.kept.tokens; }
  saveTokens(tokens) { this.kept.tokens = tokens; }
  codeVerifier() { return this.kept.verifier; }
  saveCodeVerifier(verifier) { this.kept.verifier = verifier; }
  redirectToAuthorization(url) { this.sentTo = url; }
}

/** A host of the client's over TLS, with its description. */
async function publish() {
  const folder = mkdtempSync(join(tmpdir(), 'chancery-interop-'));
  const [key, certificate] = [join(folder, 'key.pem'), join(folder, 'certificate.pem')];
  execFileSync('openssl', [
    'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', key, '-out', certificate,
    '-days', '2', '-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost',
    '-addext', 'basicConstraints=critical,CA:FALSE',
  ], { stdio: 'ignore' });
  let document = {};
  const server = createServer({ key: readFileSync(key), cert: readFileSync(certificate) }, (_, response) => {
    response.writeHead(200, { 'content-type': 'application/json', 'cache-control': 'max-age=60' });
    response.end(JSON.stringify(document));
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const host = `localhost:${server.address().port}`;
  const url = `https://${host}/client.json`;
  return {
    url, host, certificate,
    describe: (members) => (document = { client_id: url, ...members }),
    close: () => {
      server.closeAllConnections();
      rmSync(folder, { recursive: true, force: true });
      return new Promise((resolve) => server.close(resolve));
    },
  };
}
