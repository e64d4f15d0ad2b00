// APIs as the server keeps them (resource servers on the wire), and the queries for them.
import type { paths } from '@chancery/management';
import { keepPreviousData, queryOptions } from '@tanstack/react-query';

import { call, callAs, management } from '~/api/client.ts';
import { queryClient } from '~/api/queries.ts';
import { quoted } from '~/api/lucene.ts';

export type Api = paths['/resource-servers/{id}']['get']['responses'][200]['content']['application/json'];
export type ApiScope = { value: string; description?: string; consent?: Consent };
/** How users are asked: always, with a tick that can be taken away, or with one that must be set. */
export type Consent = 'required' | 'optional' | 'sensitive';

export const PER_PAGE = 25;

export interface ApiPage {
  apis: Api[];
  /** `undefined` where a search does not count. */
  total: number | undefined;
  hasMore: boolean;
}

export function apisQuery(q: string | undefined, page: number) {
  return queryOptions({
    queryKey: ['apis', { q: q ?? '', page }],
    queryFn: () => (q === undefined ? readPage(page) : search(q)),
    placeholderData: keepPreviousData,
  });
}

export function apiQuery(id: string) {
  return queryOptions({
    queryKey: ['apis', id],
    queryFn: () => call<Api>(management.GET('/resource-servers/{id}', { params: { path: { id } } })),
  });
}

export async function updateApi(id: string, body: ApiPatch): Promise<Api> {
  const api = await callAs<Api>(management.PATCH('/resource-servers/{id}', { params: { path: { id } }, body: body as never }));
  queryClient.setQueryData(apiQuery(id).queryKey, api);
  void queryClient.invalidateQueries({ queryKey: ['apis'] });
  return api;
}

/** What a PATCH may carry: `null` takes a setting away. */
export type ApiPatch = { [Member in keyof Api]?: Api[Member] | null } & Record<string, unknown>;

async function readPage(page: number): Promise<ApiPage> {
  const query = { page, per_page: PER_PAGE, include_totals: true } as const;
  const found = await callAs<{ total: number; resource_servers: Api[] }>(management.GET('/resource-servers', { params: { query } }));
  return { apis: found.resource_servers, total: found.total, hasMore: false };
}

async function search(q: string): Promise<ApiPage> {
  const query = { q: quoted(q), parser: 'lucene', take: 100 } as const;
  const found = await callAs<{ next?: string; resource_servers: Api[] }>(
    management.GET('/resource-servers/search', { params: { query } }),
  );
  return { apis: found.resource_servers, total: undefined, hasMore: found.next !== undefined };
}
