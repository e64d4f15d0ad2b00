// A site of static files on localhost: the applications in the browser, and callbacks of applications elsewhere.
import { createServer } from 'node:http';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { interopFolder } from './install.mjs';

const TYPES = { html: 'text/html; charset=utf-8', js: 'text/javascript; charset=utf-8', json: 'application/json' };

/** Serves `files` (address to path below this folder); `config` is what the application reads at /config.json. */
export async function serveSite(files = {}) {
  const site = { config: {} };
  const server = createServer(async (request, response) => {
    const path = new URL(request.url, 'http://localhost').pathname;
    const [type, body] = await content(path, files, site.config).catch((error) => ['text/plain', String(error)]);
    response.writeHead(type ? 200 : 404, { 'content-type': type ?? 'text/plain', 'cache-control': 'no-store' });
    response.end(body ?? 'not found');
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  site.origin = `http://localhost:${server.address().port}`;
  site.close = () => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  };
  return site;
}

async function content(path, files, config) {
  if (path === '/favicon.ico') return ['image/svg+xml', '<svg xmlns="http://www.w3.org/2000/svg"/>'];
  if (path === '/config.json') return [TYPES.json, JSON.stringify(config)];
  if (path === '/callback') return [TYPES.html, '<!doctype html><html lang="en"><title>Back</title><p>Back at the application'];
  const file = files[path];
  if (!file) return [undefined, undefined];
  return [TYPES[file.split('.').pop()], await readFile(join(interopFolder, file))];
}
