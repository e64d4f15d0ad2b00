// Changes of an API's scopes. The wire knows them as one list, so each change starts from what the server has now.
import { call, management } from '~/api/client.ts';
import type { Operation } from '~/api/effects.ts';

import { type Api, type ApiScope, updateApi } from './data.ts';

export async function changeScopes(id: string, change: (scopes: ApiScope[]) => ApiScope[]): Promise<Api> {
  const now = await call<Api>(management.GET('/resource-servers/{id}', { params: { path: { id } } }));
  return updateApi(id, { scopes: change(now.scopes ?? []) });
}

/** The removal of scopes, to ask the server what comes of it. */
export function removal(api: Api, gone: ReadonlySet<string>): Operation {
  return {
    operation: 'patch_resource-servers_by_id',
    path: { id: api.id },
    body: { scopes: (api.scopes ?? []).filter(({ value }) => !gone.has(value)) },
  };
}
