// What every hosted page must hold: accessible in both colour schemes, within a narrow screen, quiet under its policy.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { interopFolder } from './install.mjs';

const axe = readFileSync(join(interopFolder, 'node_modules/axe-core/axe.min.js'), 'utf8');
const TAGS = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];

/** Judges the page that is open. */
export async function inspect(page, name) {
  assert.deepEqual(page.noise.filter((text) => /policy|violat|refused|uncaught/i.test(text)), [], `${name}: console`);

  const size = page.viewportSize();
  await page.setViewportSize({ width: 320, height: 640 });
  const width = await page.evaluate(() => document.documentElement.scrollWidth);
  assert.ok(width <= 320, `${name}: ${width} pixels wide on a screen of 320`);
  await page.setViewportSize(size);

  for (const colorScheme of ['light', 'dark']) {
    // Without transitions, which would be judged half-way.
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    await page.evaluate(axe);
    const { violations } = await page.evaluate(
      (values) => globalThis.axe.run(document, { runOnly: { type: 'tag', values }, preload: false }), TAGS);
    const serious = violations.filter((violation) => ['serious', 'critical'].includes(violation.impact));
    assert.deepEqual(serious.map(told), [], `${name} in ${colorScheme}: accessibility`);
  }
  await page.emulateMedia({ colorScheme: null, reducedMotion: null });

  const inline = await page.evaluate(() =>
    [...document.querySelectorAll('script:not([src]), style, [style], [onclick], [onload]')].map((e) => e.outerHTML));
  assert.deepEqual(inline, [], `${name}: nothing inline`);
}

export function told({ id, help, nodes }) {
  return `${id}: ${help}: ${nodes.map((node) => node.html).join(' ')}`;
}

/** Pictures to look at, where INTEROP_PICTURES names a folder. */
export async function pictures(page, name) {
  const folder = process.env.INTEROP_PICTURES;
  if (!folder) return;
  const size = page.viewportSize();
  for (const width of [320, 768, 1280]) {
    for (const colorScheme of ['light', 'dark']) {
      await page.setViewportSize({ width, height: 800 });
      await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
      await page.screenshot({ path: `${folder}/${name}-${width}-${colorScheme}.png`, fullPage: true });
    }
  }
  await page.setViewportSize(size);
  await page.emulateMedia({ colorScheme: null, reducedMotion: null });
}
