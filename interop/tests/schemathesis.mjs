// Schemathesis: requests made up from the server's own description, good ones and bad ones. None may end in a 5xx.
//
// SCHEMATHESIS_CASES says about how many, 400 where it is not set: `make schemathesis` makes 10,000.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { pythonFolder } from '../lib/install.mjs';
import { Management } from '../lib/management.mjs';
import { start } from '../lib/processes.mjs';
import { startChancery } from '../lib/server.mjs';

const CASES = Number(process.env.SCHEMATHESIS_CASES ?? 400);
// Same requests each time where a build depends on them, others where somebody looks for faults.
const SEED = process.env.SCHEMATHESIS_SEED ?? (process.env.SCHEMATHESIS_CASES ? undefined : '1');

export default {
  'no request ends in a 5xx': async ({ after }) => {
    // A server of its own, since nothing that was configured is safe from it.
    const chancery = await startChancery({ database: null });
    after(() => chancery.stop());
    const folder = mkdtempSync(join(tmpdir(), 'chancery-schemathesis-'));
    after(() => rmSync(folder, { recursive: true, force: true }));
    const token = await new Management(chancery).fetchToken();
    const description = await (await fetch(`${chancery.issuer}api/v2/openapi.json`)).json();
    const operations = Object.values(description.paths).flatMap((path) => Object.keys(path)).length;

    const run = start(join(pythonFolder, '.venv/bin/schemathesis'), [
      'run', `${chancery.issuer}api/v2/openapi.json`,
      '--header', `Authorization: Bearer ${token}`,
      '--phases', 'fuzzing', '--mode', 'all', '--checks', 'not_a_server_error',
      // Some operations take too little to make many different requests of.
      '--max-examples', String(Math.ceil((CASES * 1.3) / operations)),
      ...(SEED ? ['--seed', SEED] : []),
      // A second rotation would end the token that all of this is done with.
      '--exclude-path', '/keys/signing/rotate',
      '--continue-on-failure', '--no-shrink', '--warnings', 'off', '--suppress-health-check', 'all', '--no-color',
    ], { cwd: folder });
    assert.equal(await run.ended, 0, run.output.slice(-8000));
    const made = /(\d+) generated, (\d+) passed/.exec(run.output);
    assert.ok(made && made[1] === made[2], run.output.slice(-2000));
    console.log(`    ${made[1]} requests to ${operations - 1} operations`);
    // Had its own application been deleted on the way, everything after that would have been 401.
    const roles = await fetch(`${chancery.issuer}api/v2/roles`, { headers: { authorization: `Bearer ${token}` } });
    assert.equal(roles.status, 200, await roles.text());
  },
};
