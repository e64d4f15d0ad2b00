// A client of the Management API. Every path, query, body and answer is typed by schema.d.ts, which `make client` generates
// from the server's own description.
import createClient, { type Client } from 'openapi-fetch';

import type { components, paths } from './schema.js';

export type { components, operations, paths } from './schema.js';

/** What the server says when it refuses. */
export type Problem = components['schemas']['Problem'];

/** A client for the tenant at an origin, such as `https://auth.example`. `token` is asked before each call. */
export function managementClient(origin: string, token: () => string | Promise<string>): Client<paths> {
  const client = createClient<paths>({ baseUrl: new URL('/api/v2', origin).href });
  client.use({
    async onRequest({ request }) {
      request.headers.set('authorization', `Bearer ${await token()}`);
      return request;
    },
  });
  return client;
}
