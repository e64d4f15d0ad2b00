// A closed loop over raw sockets: each connection sends its next request when it has the last answer. Cheaper than the server it
// measures, but not free: CPU of the server is the figure to compare, requests a second are bounded by this program's one thread.

import net from "node:net";

const HEAD_END = "\r\n\r\n";

/** One keep-alive connection; made anew for a request after the server closed it, as servers do with one that is idle for long. */
export class Connection {
  constructor(port, host = "127.0.0.1") {
    Object.assign(this, { port, host });
    this.connect();
  }

  connect() {
    this.buffer = Buffer.alloc(0);
    const socket = net.connect(this.port, this.host);
    socket.setNoDelay(true);
    socket.on("data", (chunk) => {
      this.buffer = this.buffer.length ? Buffer.concat([this.buffer, chunk]) : chunk;
      this.deliver();
    });
    const lost = (cause) => {
      socket.destroy();
      if (this.socket !== socket) return;
      this.reject?.(cause instanceof Error ? cause : new Error("the connection was closed"));
    };
    socket.on("error", lost);
    socket.on("end", lost);
    socket.on("close", lost);
    this.socket = socket;
  }

  /** Sends a request, resolves with {status, head, body}. */
  ask(request) {
    if (this.socket.destroyed) this.connect();
    return new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
      this.socket.write(request);
    });
  }

  deliver() {
    const end = this.buffer.indexOf(HEAD_END);
    if (end < 0) return;
    const head = this.buffer.toString("latin1", 0, end);
    const length = /\r\ncontent-length: *(\d+)/i.exec(head);
    let body;
    if (length) {
      const whole = end + 4 + Number(length[1]);
      if (this.buffer.length < whole) return;
      body = this.buffer.subarray(end + 4, whole);
      this.buffer = this.buffer.subarray(whole);
    } else if (/\r\ntransfer-encoding: *chunked/i.test(head)) {
      const read = unchunk(this.buffer, end + 4);
      if (!read) return;
      body = read.body;
      this.buffer = this.buffer.subarray(read.end);
    } else {
      body = Buffer.alloc(0);
      this.buffer = this.buffer.subarray(end + 4);
    }
    const { resolve } = this;
    this.resolve = this.reject = undefined;
    resolve({ status: Number(head.slice(9, 12)), head, body });
  }

  end() {
    this.socket.destroy();
  }
}

function unchunk(buffer, start) {
  const parts = [];
  for (let at = start; ;) {
    const line = buffer.indexOf("\r\n", at);
    if (line < 0) return null;
    const size = parseInt(buffer.toString("latin1", at, line), 16);
    if (buffer.length < line + 2 + size + 2) return null;
    if (size === 0) return { body: Buffer.concat(parts), end: line + 4 };
    parts.push(buffer.subarray(line + 2, line + 2 + size));
    at = line + 2 + size + 2;
  }
}

/** The bytes of a request. */
export function request(method, host, path, headers = {}, body = "") {
  const lines = Object.entries({ host, ...headers, ...(body ? { "content-length": Buffer.byteLength(body) } : {}) });
  return `${method} ${path} HTTP/1.1\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join("")}\r\n${body}`;
}

/** The bytes of a posted form. */
export function form(host, path, fields, headers = {}) {
  const body = new URLSearchParams(fields).toString();
  return request("POST", host, path, { "content-type": "application/x-www-form-urlencoded", ...headers }, body);
}

/** Fails unless the token is a JWT signed with the algorithm. */
export function signedWith(alg, token) {
  const signed = JSON.parse(Buffer.from(token.split(".")[0], "base64url")).alg;
  if (signed !== alg) throw new Error(`signs with ${signed}, not ${alg}`);
}

/**
 * So many connections for so many milliseconds. `next(index, last)` gives the next request of a connection, or nothing when it has
 * none left. Any answer but 200, and one whose body lacks `holds`, ends the run.
 */
export async function run({ port, connections, milliseconds, next, holds }) {
  const times = [];
  const began = process.hrtime.bigint();
  const until = began + BigInt(milliseconds) * 1000000n;
  await Promise.all(
    Array.from({ length: connections }, async (_, index) => {
      const connection = new Connection(port);
      let last;
      for (let at = process.hrtime.bigint(); at < until; ) {
        const asked = next(index, last);
        if (asked === undefined) break;
        last = await connection.ask(asked);
        if (last.status !== 200 || !last.body.includes(holds)) throw new Error(`answered ${last.status}: ${last.body.toString().slice(0, 500)}`);
        const now = process.hrtime.bigint();
        times.push(Number(now - at) / 1000);
        at = now;
      }
      connection.end();
    }),
  );
  const seconds = Number(process.hrtime.bigint() - began) / 1e9;
  times.sort((a, b) => a - b);
  const part = (share) => times[Math.min(times.length - 1, Math.floor(times.length * share))];
  return { answers: times.length, seconds, p50: part(0.5), p99: part(0.99) };
}
