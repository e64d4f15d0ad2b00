// clients/typescript: the types are those of this server's description, and a program that uses them compiles and runs.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { installTypeScriptClient } from '../lib/install.mjs';
import { start } from '../lib/processes.mjs';

export default {
  'is up to date with the description': async ({ chancery, after }) => {
    const [project, folder] = [installTypeScriptClient(), scratch(after)];
    const document = join(folder, 'openapi.json');
    const described = await fetch(`${chancery.issuer}api/v2/openapi.json`);
    writeFileSync(document, await described.text());
    const check = tool(project, 'openapi-typescript', [document, '--output', 'src/schema.d.ts', '--check']);
    assert.equal(await check.ended, 0, `${check.output}\nmake client writes it anew`);
  },

  'type-checks, and its example lists, makes and reads APIs': async ({ chancery, after }) => {
    const [project, folder] = [installTypeScriptClient(), scratch(after)];
    const check = tool(project, 'tsc', ['--noEmit']);
    assert.equal(await check.ended, 0, check.output);

    const build = tool(project, 'tsc', ['--outDir', folder]);
    assert.equal(await build.ended, 0, build.output);
    writeFileSync(join(folder, 'package.json'), '{"type": "module"}');
    symlinkSync(join(project, 'node_modules'), join(folder, 'node_modules'));
    const example = start(process.execPath, [join(folder, 'examples/apis.js')], {
      env: {
        CHANCERY_URL: chancery.issuer,
        CHANCERY_CLIENT_ID: chancery.clients.management.client_id,
        CHANCERY_CLIENT_SECRET: chancery.clients.management.client_secret,
      },
    });
    assert.equal(await example.ended, 0, example.output);
    assert.match(example.output, /made and read back https:.* with read:things/);
    assert.match(example.output, /again: .*already exists/);
  },
};

function scratch(after) {
  const folder = mkdtempSync(join(tmpdir(), 'chancery-typescript-'));
  after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

function tool(project, name, words) {
  return start(join(project, 'node_modules/.bin', name), words, { cwd: project });
}
