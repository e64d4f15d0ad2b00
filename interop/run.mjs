// Unmodified clients and a real browser against the built server.
//
//   node run.mjs              all tests
//   node run.mjs spa pages    those whose suite or name holds one of the words
//
// CHANCERY_BIN names the server's binary, target/debug/chancery where it is not set; CHANCERY_DATABASE a database for it
// (`postgres://...`), a throw-away SQLite file where it is not set.
import { MissingTool, axumExample, installEverything, prepareLanguages } from './lib/install.mjs';
import { Management } from './lib/management.mjs';
import { stopAll } from './lib/processes.mjs';
import { startChancery } from './lib/server.mjs';

const SUITES = [
  'guide', 'spa', 'oidc-client-ts', 'implicit', 'apis', 'openid-client', 'registration', 'conformance', 'mtls', 'device', 'second-factor', 'passkeys', 'passwordless', 'sessions', 'authlib', 'fastapi', 'go', 'java', 'spring', 'node-apps', 'smtp', 'pages', 'auth0-node',
  'mcp-server', 'mcp', 'typescript-client',
  'schemathesis', 'deploy-cli', 'dashboard', 'dashboard-screens', 'dashboard-jobs',
  'dashboard-hostile',
];
const SECONDS_PER_TEST = Number(process.env.INTEROP_SECONDS ?? 120);

process.on('exit', stopAll);
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(130));

const words = process.argv.slice(2);
const selected = (name) => words.length === 0 || words.some((word) => name.includes(word));

installEverything();
if (words.length === 0 || selected('axum')) axumExample();
prepareLanguages(selected);
// Only now: it needs what was just installed.
const { Browser } = await import('./lib/browser.mjs');
const [chancery, browser] = await Promise.all([startChancery(), Browser.launch()]);
const failures = [];
let passed = 0;
let skipped = 0;
for (const suite of SUITES) {
  const { default: tests } = await import(`./tests/${suite}.mjs`);
  // Screens show first pages: what other suites left behind would fill them.
  if (suite.startsWith('dashboard') && Object.keys(tests).some((title) => selected(`${suite}: ${title}`))) await forget();
  for (const [title, test] of Object.entries(tests)) {
    const name = `${suite}: ${title}`;
    if (selected(name)) await runTest(name, test);
  }
}
await browser.close();
const code = await chancery.stop();
if (code !== 0) {
  failures.push('shutdown');
  console.log(`FAILED the server ended with ${code} after SIGTERM:\n${chancery.log().slice(-3000)}`);
}
console.log(`${passed} passed, ${failures.length} failed${skipped ? `, ${skipped} skipped` : ''}`);
process.exit(failures.length === 0 && passed > 0 ? 0 : 1);

async function runTest(name, test) {
  const cleanups = [];
  const tools = {
    chancery,
    browser,
    management: new Management(chancery),
    /** Runs when the test is over, the last one first. */
    after: (cleanup) => cleanups.unshift(cleanup),
  };
  const logBefore = chancery.log().length;
  const started = Date.now();
  try {
    await Promise.race([test(tools), tooLate()]);
    passed += 1;
    console.log(`ok ${name} (${Date.now() - started} ms)`);
  } catch (error) {
    if (error instanceof MissingTool) {
      skipped += 1;
      console.log(`skipped ${name}: ${error.message}`);
      return;
    }
    failures.push(name);
    console.log(`FAILED ${name}\n${indented(error.stack ?? String(error))}`);
    for (const picture of await browser.pictures(name)) console.log(`    picture: ${picture}`);
    console.log(indented(`server:\n${chancery.log().slice(logBefore).slice(-2000)}`));
  }
  for (const cleanup of cleanups) await Promise.resolve(cleanup()).catch(() => {});
  await browser.clear();
}

async function forget() {
  await fetch(`${chancery.issuer}dev/reset`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ seed: 'demo' }),
  });
}

function tooLate() {
  return new Promise((_, refuse) => {
    setTimeout(() => refuse(new Error(`not done after ${SECONDS_PER_TEST} s`)), SECONDS_PER_TEST * 1000).unref();
  });
}

function indented(text) {
  return text.replace(/^/gm, '    ');
}
