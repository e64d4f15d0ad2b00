// The same requests against Chancery and its peers, in turn, in one run. See README.md.

import { mkdtempSync, rmSync } from "node:fs";
import os from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { fileURLToPath } from "node:url";

import { chancery } from "./chancery.mjs";
import { hydra } from "./hydra.mjs";
import { keycloak } from "./keycloak.mjs";
import { run } from "./load.mjs";
import { oidcProvider } from "./oidc-provider.mjs";
import { cpu, endAll, memory } from "./processes.mjs";
import { spring } from "./spring.mjs";
import { zitadel } from "./zitadel.mjs";

const { values: options } = parseArgs({
  options: {
    binary: { type: "string", default: fileURLToPath(new URL("../../target/release/chancery", import.meta.url)) },
    rounds: { type: "string", default: "5" },
    seconds: { type: "string", default: "2" },
    connections: { type: "string", default: "16" },
    only: { type: "string" },
    peers: { type: "string", default: "oidc-provider,hydra,keycloak,spring,zitadel" },
  },
});
const connections = Number(options.connections);
const milliseconds = Number(options.seconds) * 1000;

/** Each starts one server or more. */
const PEERS = { "oidc-provider": oidcProvider, hydra, keycloak, spring, zitadel };

/** What is asked: each gives `next` for one window. */
const WORKLOADS = {
  discovery: async (server) => repeated(server.discovery),
  jwks: async (server) => repeated(server.jwks),
  "client_credentials RS256": async (server) => repeated(server.clientCredentials("RS256")),
  "client_credentials ES256": async (server) => repeated(server.clientCredentials("ES256")),
  userinfo: async (server) => repeated(server.userinfo),
  "code exchange": async (server) => {
    if (!server.codes) return undefined;
    const codes = await server.codes(CODES);
    return () => (codes.length ? server.exchange(codes.pop()) : undefined);
  },
  refresh: async (server) => {
    if (!server.refreshTokens) return undefined;
    const tokens = await server.refreshTokens(connections);
    return (index, last) => {
      if (last) tokens[index] = JSON.parse(last.body).refresh_token;
      return server.refresh(tokens[index]);
    };
  },
};
const CODES = 600;

/** What a right answer holds; one to any other workload is a token. */
const HOLDS = { discovery: '"issuer"', jwks: '"keys"', userinfo: '"sub"' };

function repeated(bytes) {
  return bytes === undefined ? undefined : () => bytes;
}

async function main() {
  const folder = mkdtempSync(join(os.tmpdir(), "chancery-peers-"));
  try {
    const servers = [...(await chancery(join(folder, "chancery"), options.binary)), ...(await peers(folder))];
    console.log(`${os.cpus().length} x ${os.cpus()[0].model}; load ${os.loadavg().map((it) => it.toFixed(1)).join(" ")}; ${connections} connections, ${options.rounds} rounds of ${options.seconds} s`);
    for (const server of servers) console.log(`${server.name} ${server.version}: ${server.notes}; ${memory(server.pid).toFixed(0)} MB after start`);
    const rows = [];
    const names = options.only ? options.only.split(",") : Object.keys(WORKLOADS);
    for (const name of names) rows.push(...(await workload(name, servers)));
    print(rows);
    for (const server of servers) console.log(`${server.name}: ${memory(server.pid).toFixed(0)} MB after the run`);
    console.log(`load ${os.loadavg().map((it) => it.toFixed(1)).join(" ")} at the end`);
  } finally {
    endAll();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Those that start; the others are named with the reason, and left out. */
async function peers(folder) {
  const started = [];
  for (const name of options.peers.split(",").filter(Boolean)) {
    try {
      started.push(...(await PEERS[name](join(folder, name))));
    } catch (cause) {
      console.log(`${name}: left out, ${cause.message}`);
    }
  }
  return started;
}

async function workload(name, servers) {
  const measured = new Map(servers.map((server) => [server, []]));
  const failed = new Set();
  for (let round = -1; round < Number(options.rounds); round++) {
    for (const server of servers) {
      if (failed.has(server)) continue;
      try {
        const window = await measure(name, server, round);
        if (window && round >= 0) measured.get(server).push(window);
      } catch (cause) {
        if (server === servers[0]) throw cause;
        failed.add(server);
        console.log(`${name}: ${server.name} is left out, ${cause.message}`);
      }
    }
  }
  process.stderr.write(`${name} done\n`);
  const [first] = servers;
  return servers
    .filter((server) => !failed.has(server) && measured.get(server).length)
    .map((server) => {
      const windows = measured.get(server);
      const of = (figure) => median(windows.map(figure));
      const ratio = (figure) => spread(windows.map((it, round) => figure(it) / figure(measured.get(first)[round])));
      return {
        workload: name, server: server.name, "req/s": of((it) => it.answers / it.seconds).toFixed(0), "p50 us": of((it) => it.p50).toFixed(0),
        "p99 us": of((it) => it.p99).toFixed(0), "CPU us": of((it) => it.cpu).toFixed(0), "RSS MB": of((it) => it.memory).toFixed(0),
        "CPU, of Chancery's": server === first ? "1" : ratio((it) => it.cpu), "p50, of Chancery's": server === first ? "1" : ratio((it) => it.p50),
      };
    });
}

/** One window, or nothing from a server that has no such workload. */
async function measure(name, server, round) {
  const next = await WORKLOADS[name](server);
  if (!next) return undefined;
  const before = cpu(server.pid);
  // The first is thrown away: compilers warm up, caches fill.
  const length = round < 0 ? (server.warmUp ?? 500) : milliseconds;
  const window = await run({ port: server.port, connections, milliseconds: length, next, holds: HOLDS[name] ?? '"access_token"' });
  return { ...window, cpu: (cpu(server.pid) - before) / window.answers, memory: memory(server.pid) };
}

function median(figures) {
  const sorted = [...figures].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)];
}

function spread(figures) {
  const digits = (figure) => (figure < 10 ? figure.toFixed(1) : figure.toFixed(0));
  return `${digits(median(figures))} (${digits(Math.min(...figures))}..${digits(Math.max(...figures))})`;
}

function print(rows) {
  const columns = Object.keys(rows[0]);
  console.log(`\n| ${columns.join(" | ")} |\n|${columns.map(() => "---").join("|")}|`);
  for (const row of rows) console.log(`| ${columns.map((column) => row[column]).join(" | ")} |`);
  console.log();
}

for (const signal of ["SIGINT", "SIGTERM"]) {
  process.once(signal, () => {
    endAll();
    process.exit(1);
  });
}
await main();
