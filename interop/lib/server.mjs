// The server under test: the built binary in dev mode on ports of the system's choice.
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { projectFolder } from './install.mjs';
import { start, stop, until } from './processes.mjs';

/** Resolves to the content of the ready file, and `stop()`. */
export async function startChancery({ host = 'localhost', database = process.env.CHANCERY_DATABASE, options = [] } = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'chancery-interop-'));
  const readyFile = join(folder, 'ready.json');
  const child = start(binary(), [
    'dev', '--data', join(folder, 'data'),
    '--database', database ?? `sqlite:${join(folder, 'chancery.db')}`, '--host', host,
    '--http', '127.0.0.1:0', '--https', '127.0.0.1:0', '--mtls', '127.0.0.1:0', '--ready-file', readyFile, ...options,
  ]);
  const ready = await until(child, () => existsSync(readyFile) && parsed(readFileSync(readyFile, 'utf8')));
  return {
    ...ready,
    readyFile,
    log: () => child.output,
    async stop() {
      const code = await stop(child);
      rmSync(folder, { recursive: true, force: true });
      return code;
    },
  };
}

/** The path of the built binary. */
export function binary() {
  const path = process.env.CHANCERY_BIN ?? join(projectFolder, 'target/debug/chancery');
  if (!existsSync(path)) throw new Error(`${path} is not there: cargo build -p chancery, or set CHANCERY_BIN`);
  return path;
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // still being written
  }
}
