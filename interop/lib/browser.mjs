// Chromium, and what a person does on the hosted pages.
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium as engine } from 'playwright-core';

import { chromium } from './install.mjs';

const FLAGS = [
  '--headless=new', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync',
];

// Nobody is at the callbacks of made-up applications, where the browser looks for an icon when it has the time to.
const ICON_OF_NOBODY = /^https:\/\/[^/]+\.example\/favicon\.ico$/;

export class Browser {
  static async launch() {
    const browser = new Browser();
    browser.engine = await engine.launch({ executablePath: chromium(), args: FLAGS });
    browser.contexts = [];
    return browser;
  }

  /** A fresh profile with one page. `page.noise` holds errors and policy violations that the console showed. */
  async page(options = {}) {
    const context = await this.engine.newContext({ locale: 'en-US', ...options });
    context.setDefaultTimeout(10_000);
    this.contexts.push(context);
    const page = await context.newPage();
    page.noise = [];
    page.on('console', (message) => {
      const { url } = message.location();
      const loud = ['error', 'warning'].includes(message.type()) && !ICON_OF_NOBODY.test(url);
      if (loud) page.noise.push(`${message.text()} (${url})`);
    });
    page.on('pageerror', (error) => page.noise.push(String(error)));
    return page;
  }

  /** Pictures of all open pages; the paths. */
  async pictures(name) {
    const folder = mkdtempSync(join(tmpdir(), 'chancery-interop-failure-'));
    const pages = this.contexts.flatMap((context) => context.pages());
    const shots = pages.map(async (page, index) => {
      const path = join(folder, `${name.replace(/\W+/g, '-')}-${index}.png`);
      await page.screenshot({ path, fullPage: true, timeout: 3000 });
      return `${path} (${page.url()})`;
    });
    return (await Promise.allSettled(shots)).flatMap((shot) => shot.value ?? []);
  }

  /** Ends all profiles. */
  async clear() {
    await Promise.allSettled(this.contexts.splice(0).map((context) => context.close()));
  }

  close() {
    return this.engine.close();
  }
}

/** On the login page: who I am. */
export async function logIn(page, { email, password }) {
  await page.locator('input#username').fill(email);
  await page.locator('input#password').fill(password);
  await page.getByText('Continue', { exact: true }).click();
}

/** On the consent page: yes. */
export async function accept(page) {
  await page.getByRole('button', { name: 'Accept', exact: true }).click();
}

export async function decline(page) {
  await page.getByRole('button', { name: 'Decline', exact: true }).click();
}

/** Opens an authorize request as this person, says yes to all and resolves to the address of the callback. */
export async function authorize(page, request, person, callback) {
  await page.goto(String(request));
  await logIn(page, person);
  const consent = page.getByRole('button', { name: 'Accept', exact: true });
  const back = (url) => url.href.startsWith(callback);
  const arrived = page.waitForURL(back).then(() => 'back');
  arrived.catch(() => {});
  const next = await Promise.race([arrived, consent.waitFor().then(() => 'consent', () => 'none')]);
  if (next === 'consent') await consent.click();
  await arrived;
  return new URL(page.url());
}
