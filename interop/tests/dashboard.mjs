// The dashboard in a browser, from the first sign-in on.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { join } from 'node:path';

import { go, inspectScreen, openDashboard } from '../lib/dashboard.mjs';
import { projectFolder } from '../lib/install.mjs';

const dist = join(projectFolder, 'ui/dashboard/dist');

export default {
  'the first load weighs less than 250 KB': async () => {
    const manifest = JSON.parse(readFileSync(join(dist, 'manifest.json'), 'utf8'));
    const files = new Set(['index.html']);
    const add = (name) => {
      const chunk = manifest[name];
      if (files.has(chunk.file)) return;
      files.add(chunk.file);
      for (const style of chunk.css ?? []) files.add(style);
      for (const other of chunk.imports ?? []) add(other);
    };
    // The page, and the screen that it opens with.
    add('index.html');
    add('src/screens/apis/list.tsx');
    const weights = [...files].map((file) => [gzipSync(readFileSync(join(dist, file)), { level: 9 }).length, file]);
    const total = weights.reduce((sum, [weight]) => sum + weight, 0);
    console.log(`    first load: ${Math.round(total / 1000)} KB compressed in ${files.size} files`);
    assert.ok(total < 250_000, `${total} bytes:\n${weights.map(([weight, file]) => `${weight} ${file}`).join('\n')}`);
  },

  'signing in leads to the address asked for, signing out ends it': async (tools) => {
    const page = await openDashboard(tools, 'apis');
    await page.getByRole('heading', { level: 1, name: 'APIs' }).waitFor();
    await page.getByRole('link', { name: 'Contacts API' }).waitFor();
    assert.equal(new URL(page.url()).pathname, '/dashboard/apis');
    await inspectScreen(page, 'apis');

    // Tokens are kept in memory alone: a reload asks the server, and nobody sees it.
    await page.reload();
    await page.getByRole('link', { name: 'Contacts API' }).waitFor();
    const stored = await page.evaluate(() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }]));
    assert.doesNotMatch(stored, /eyJ/);

    await page.getByRole('button', { name: /^Account of/ }).click();
    await page.getByRole('menuitem', { name: 'Sign out' }).click();
    await page.locator('input#username').waitFor();
  },
};
