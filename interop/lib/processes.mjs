// Child processes that end with the tests.
import { spawn } from 'node:child_process';

const running = new Set();

/** Starts a program; `child.output` holds what it has written so far. */
export function start(program, options, { env = {}, cwd } = {}) {
  const child = spawn(program, options, { cwd, env: { ...process.env, ...env }, stdio: ['pipe', 'pipe', 'pipe'] });
  child.output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text) => (child.output += text));
  }
  running.add(child);
  child.ended = new Promise((resolve) => {
    child.on('error', (error) => {
      child.output += error;
      resolve(-1);
    });
    child.on('exit', (code) => resolve(code));
  }).then((code) => {
    running.delete(child);
    return code;
  });
  return child;
}

/** Waits until `look` finds something, or says what the program wrote instead. */
export async function until(child, look, seconds = 30) {
  const deadline = Date.now() + seconds * 1000;
  let over = false;
  child.ended.then(() => (over = true));
  while (Date.now() < deadline) {
    const found = look();
    if (found) return found;
    if (over) break;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`${child.spawnargs.join(' ')} ${over ? 'ended' : 'is not ready'}; it wrote:\n${child.output}`);
}

/** The n-th line of JSON which the script wrote. */
export function message(script, index) {
  const lines = () => script.output.split('\n').slice(0, -1).filter((line) => line.startsWith('{'));
  return until(script, () => lines()[index] && JSON.parse(lines()[index]));
}

export async function stop(child) {
  child.kill('SIGTERM');
  const late = setTimeout(() => child.kill('SIGKILL'), 5000);
  const code = await child.ended;
  clearTimeout(late);
  return code;
}

/** For the very end, whatever happened before. */
export function stopAll() {
  for (const child of running) child.kill('SIGKILL');
}
