// Servers as child processes, and what the system knows of them. Linux only.

import { spawn } from "node:child_process";
import { closeSync, openSync, readFileSync } from "node:fs";

const TICK_US = 10_000;

/** Starts a process whose output goes to a file; ends with this one. */
export function start(command, args, { log, env, cwd } = {}) {
  const out = openSync(log, "a");
  // A group of its own, so that what a shell script starts ends with the script.
  const child = spawn(command, args, { cwd, env: { ...process.env, ...env }, stdio: ["ignore", out, out], detached: true });
  closeSync(out);
  groups.add(child);
  return adopt(child);
}

/** Ends with this process. */
export function adopt(child) {
  children.add(child);
  child.once("exit", () => children.delete(child));
  return child;
}

const children = new Set();
const groups = new WeakSet();

/** Ends what is still running. */
export function endAll() {
  for (const child of children) {
    if (groups.has(child)) process.kill(-child.pid, "SIGKILL");
    else child.kill("SIGKILL");
  }
}

/** The process that a script waits for: the child of its child, and so on, or itself. */
export function last(pid) {
  const [child] = readFileSync(`/proc/${pid}/task/${pid}/children`, "latin1").trim().split(" ");
  return child ? last(Number(child)) : pid;
}

/** CPU of all its threads since it began, in microseconds. */
export function cpu(pid) {
  const fields = readFileSync(`/proc/${pid}/stat`, "latin1").split(") ")[1].split(" ");
  return (Number(fields[11]) + Number(fields[12])) * TICK_US;
}

/** Resident memory in millions of bytes. */
export function memory(pid) {
  return (Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "latin1"))[1]) * 1024) / 1e6;
}

/** Until `ready` says so of the child that was started. */
export async function until(what, child, ready, seconds = 30) {
  for (const end = Date.now() + seconds * 1000; Date.now() < end && child.exitCode === null; ) {
    if (await ready().catch(() => false)) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`${what} does not start`);
}

/** A TCP port that is free now. */
export async function freePort() {
  const { createServer } = await import("node:net");
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}
