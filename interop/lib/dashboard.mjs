// What the tests of the dashboard share: signing in, and what every screen must hold.
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { logIn } from './browser.mjs';
import { told } from './inspect.mjs';
import { interopFolder } from './install.mjs';

const axe = readFileSync(join(interopFolder, 'node_modules/axe-core/axe.min.js'), 'utf8');
const TAGS = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];

/** Where screens are photographed, if anywhere: SCREENSHOTS=folder. */
const album = process.env.SCREENSHOTS;

/** Opens an address of the dashboard in a fresh browser, signed in. */
export async function openDashboard({ browser, chancery }, path = '', person = chancery.dashboard) {
  const page = await browser.page({ viewport: { width: 1440, height: 900 }, reducedMotion: 'reduce' });
  await page.goto(new URL(path, chancery.dashboard.url).href);
  await logIn(page, person);
  await page.waitForURL((url) => url.pathname.startsWith('/dashboard/') && !url.searchParams.has('code'));
  return page;
}

/** Goes to a screen within the running application, without loading it anew. */
export async function go(page, name) {
  await page.getByRole('navigation', { name: 'Sections' }).getByRole('link', { name, exact: true }).click();
  await page.getByRole('heading', { level: 1, name }).waitFor();
}

/** Judges the screen that is open: two widths, both themes; nothing of it was refused by the policy. */
export async function inspectScreen(page, name) {
  await settled(page);
  const size = page.viewportSize();
  for (const width of [1440, 360]) {
    await page.setViewportSize({ width, height: 900 });
    for (const colorScheme of ['light', 'dark']) {
      await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
      await page.waitForFunction((wanted) => document.documentElement.dataset.mantineColorScheme === wanted, colorScheme);
      const where = `${name} at ${width} in ${colorScheme}`;
      const wide = await page.evaluate(() => document.documentElement.scrollWidth);
      assert.ok(wide <= width, `${where}: ${wide} pixels wide`);
      await page.evaluate(axe);
      const { violations } = await page.evaluate(
        (values) => globalThis.axe.run(document, { runOnly: { type: 'tag', values }, preload: false }), TAGS);
      const serious = violations.filter((violation) => ['serious', 'critical'].includes(violation.impact));
      await photograph(page, `${name}-${width}-${colorScheme}`);
      assert.deepEqual(serious.map(told), [], `${where}: accessibility`);
    }
  }
  await page.setViewportSize(size);
  await page.emulateMedia({ colorScheme: null, reducedMotion: 'reduce' });
  assert.deepEqual(page.noise.filter((text) => /policy|violat|refused to|uncaught|error:/i.test(text)), [], `${name}: console`);
}

/** Nothing is on its way any more. */
async function settled(page) {
  await page.locator('[role=status][aria-label=Loading]').first().waitFor({ state: 'detached' });
  await page.waitForLoadState('networkidle');
}

async function photograph(page, name) {
  if (!album) return;
  mkdirSync(album, { recursive: true });
  await page.screenshot({ path: join(album, `${name.replace(/\W+/g, '-')}.png`), fullPage: true });
}
