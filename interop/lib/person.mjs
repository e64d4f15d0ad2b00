// Somebody who logs in without a browser: cookies and forms alone, so that a test sees every status on the way.

const ENTITIES = { amp: '&', lt: '<', gt: '>', quot: '"' };

export class Person {
  /** `over` is the `fetch` to use. */
  constructor(over, { email, password }) {
    Object.assign(this, { over, email, password, cookies: new Map(), answer: 'accept' });
  }

  /**
   * Opens an address, logs in and says yes to all (`answer`). Resolves to what arrives at the callback (`at`, the address; `said`, its parameters)
   * or to the page where it ends (`status`, `html`). `stop(html)` ends it at a page.
   */
  async open(address, callback, stop = () => false) {
    let response = await this.send(address);
    for (let step = 0; step < 20; step += 1) {
      const location = response.headers.get('location');
      if (location) {
        const at = new URL(location, response.address);
        if (at.href.startsWith(callback)) return { at, said: new URLSearchParams(at.search.slice(1) || at.hash.slice(1)) };
        response = await this.send(at.href);
        continue;
      }
      const html = await response.text();
      const form = formOf(html, response.address);
      if (form?.action.startsWith(callback)) return { said: new URLSearchParams(form.hidden), posted: true };
      if (!form || stop(html)) return { status: response.status, html };
      const fields = new URLSearchParams(form.hidden);
      if (form.has('password')) {
        fields.set('username', this.email);
        fields.set('password', this.password);
        fields.set('action', 'default');
        this.logins = (this.logins ?? 0) + 1;
      } else if (html.includes('value="accept"')) {
        fields.set('action', this.answer);
      } else {
        return { status: response.status, html };
      }
      response = await this.send(form.action, fields);
    }
    throw new Error(`no end after ${address}`);
  }

  async send(address, fields) {
    const headers = { cookie: [...this.cookies].map(([name, value]) => `${name}=${value}`).join('; '), accept: 'text/html' };
    if (fields) Object.assign(headers, { 'content-type': 'application/x-www-form-urlencoded', origin: new URL(address).origin });
    const response = await this.over(address, { method: fields ? 'POST' : 'GET', headers, body: fields?.toString() });
    for (const line of response.headers.getSetCookie()) {
      const [, name, value] = line.match(/^([^=]+)=([^;]*)/);
      if (value === '' || /max-age=0/i.test(line)) this.cookies.delete(name);
      else this.cookies.set(name, value);
    }
    response.address = address;
    return response;
  }
}

/** The first form of a page. */
function formOf(html, address) {
  const form = html.match(/<form\b[^>]*>[\s\S]*?<\/form>/)?.[0];
  if (!form) return undefined;
  const attribute = (tag, name) => unescaped(tag.match(new RegExp(`\\s${name}="([^"]*)"`))?.[1] ?? '');
  const inputs = [...form.matchAll(/<input\b[^>]*>/g)].map(([tag]) => tag);
  const hidden = inputs.filter((tag) => attribute(tag, 'type') === 'hidden');
  return {
    action: new URL(attribute(form.match(/<form\b[^>]*>/)[0], 'action'), address).href,
    hidden: hidden.map((tag) => [attribute(tag, 'name'), attribute(tag, 'value')]),
    has: (name) => inputs.some((tag) => attribute(tag, 'name') === name),
  };
}

function unescaped(text) {
  return text.replace(/&(?:#(\d+)|#x([0-9a-f]+)|(\w+));/gi, (_, decimal, hex, name) =>
    name ? (ENTITIES[name] ?? _) : String.fromCodePoint(decimal ? Number(decimal) : parseInt(hex, 16)));
}
