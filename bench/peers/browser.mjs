// As much of a browser as makes codes: cookies, and where an answer sends it.

import { form, request } from "./load.mjs";

export class Browser {
  constructor(wire, host) {
    Object.assign(this, { wire, host, cookies: new Map() });
  }

  /** Resolves with {location, body}; there is no location in an answer that sends nowhere. */
  async go(target, fields) {
    const headers = { accept: "text/html", origin: `http://${this.host}` };
    if (this.cookies.size) headers.cookie = [...this.cookies].map((pair) => pair.join("=")).join("; ");
    const answer = await this.wire.ask(fields ? form(this.host, target, fields, headers) : request("GET", this.host, target, headers));
    for (const [, name, value] of answer.head.matchAll(/\r\nset-cookie: *([^=]+)=([^;\r]*)/gi)) this.cookies.set(name, value);
    const location = /\r\nlocation: *([^\r]+)/i.exec(answer.head)?.[1];
    return { status: answer.status, body: answer.body.toString(), location: location && new URL(location, `http://${this.host}`) };
  }

  /** Where the answer sends, which it must. */
  async sent(target, fields) {
    const { status, body, location } = await this.go(target, fields);
    if (!location) throw new Error(`${target}: ${status} ${body}`);
    return location;
  }
}

/** The target to ask for, of a URL. */
export function target(url) {
  return url.pathname + url.search;
}
