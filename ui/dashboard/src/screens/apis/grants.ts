// Client grants of an API: which application may ask for which scopes, in the name of users or in its own.
import { queryOptions, useQuery } from '@tanstack/react-query';

import { callAs, management } from '~/api/client.ts';
import type { Operation } from '~/api/effects.ts';
import { everything } from '~/api/pages.ts';
import { quoted } from '~/api/lucene.ts';
import { useMay } from '~/auth/session.tsx';
import { firstName } from '~/components/names.ts';

export type Subject = 'user' | 'client';

export interface Grant {
  id: string;
  client_id?: string;
  audience: string;
  scope?: string[];
  subject_type?: string;
  allow_all_scopes?: boolean;
  is_system?: boolean;
}

export interface Application {
  client_id: string;
  name?: string;
  app_type?: string;
  is_first_party?: boolean;
  grant_types?: string[];
  callbacks?: string[];
  token_endpoint_auth_method?: string;
}

const FIELDS = 'client_id,name,app_type,is_first_party,grant_types,callbacks,token_endpoint_auth_method';

/** Every grant of an API, or of an application. */
export function grantsQuery(of: { audience: string } | { client_id: string }) {
  return queryOptions({
    queryKey: ['client-grants', of],
    queryFn: () =>
      everything(async (from) => {
        const query = { ...of, take: 100, ...(from === undefined ? {} : { from }) };
        const found = await callAs<{ client_grants: Grant[]; next?: string }>(management.GET('/client-grants', { params: { query } }));
        return { items: found.client_grants, next: found.next };
      }),
  });
}

export interface ApplicationPage {
  applications: Application[];
  hasMore: boolean;
}

/** Applications by name; the first hundred where nothing is said. */
export function applicationsQuery(text: string) {
  return queryOptions({
    queryKey: ['clients', 'choice', text],
    queryFn: async (): Promise<ApplicationPage> => {
      if (text !== '') {
        const query = { q: quoted(text), parser: 'lucene', take: 100, fields: FIELDS, include_fields: true } as const;
        const found = await callAs<{ clients: Application[]; next?: string }>(management.GET('/clients/search', { params: { query } }));
        return { applications: found.clients, hasMore: found.next !== undefined };
      }
      const query = { per_page: 100, include_totals: true, is_global: false, fields: FIELDS, include_fields: true } as const;
      const found = await callAs<{ clients: Application[]; total: number }>(management.GET('/clients', { params: { query } }));
      return { applications: found.clients, hasMore: found.total > found.clients.length };
    },
  });
}

/** So many ids fit into one address. */
const AT_ONCE = 40;

/** Applications by their ids: what a page of a list does not hold. Those that are not there any more are left out. */
export function applicationsByIdQuery(ids: readonly string[]) {
  const wanted = [...new Set(ids)].sort();
  return queryOptions({
    queryKey: ['clients', 'by-id', wanted],
    queryFn: async () => {
      const parts = Array.from({ length: Math.ceil(wanted.length / AT_ONCE) }, (_, index) => wanted.slice(index * AT_ONCE, (index + 1) * AT_ONCE));
      const found = await Promise.all(parts.map(readByIds));
      return found.flat();
    },
    enabled: wanted.length > 0,
    staleTime: 60_000,
  });
}

async function readByIds(ids: readonly string[]): Promise<Application[]> {
  const q = `client_id:(${ids.map((id) => `"${id.replaceAll(/["\\]/g, '\\$&')}"`).join(' OR ')})`;
  const query = { q, parser: 'lucene', take: 100, fields: FIELDS, include_fields: true } as const;
  const found = await callAs<{ clients: Application[] }>(management.GET('/clients/search', { params: { query } }));
  return found.clients;
}

/** How applications are called, for those that are named by their ids. */
export function useApplicationNames(ids: readonly string[]): (id: string) => string {
  const may = useMay();
  const query = applicationsByIdQuery(ids);
  const found = useQuery({ ...query, enabled: query.enabled === true && may('read:clients') });
  const names = new Map((found.data ?? []).map((one) => [one.client_id, one.name]));
  return (id) => firstName(names.get(id), id);
}

/** What an application may ask for. */
export interface Access {
  scopes: ReadonlySet<string>;
  /** Every scope, those to come too. */
  all: boolean;
}

export function accessOf(grant: Grant | undefined): Access | undefined {
  return grant && { scopes: new Set(grant.scope ?? []), all: grant.allow_all_scopes === true };
}

/** The operation that makes a grant so; `undefined` where it is so. */
export function operationFor(audience: string, subject: Subject, clientId: string, grant: Grant | undefined, wanted: Access | undefined): Operation | undefined {
  if (!grant) {
    if (!wanted) return undefined;
    const scopes = wanted.all ? { allow_all_scopes: true } : { scope: [...wanted.scopes] };
    return { operation: 'post_client-grants', body: { client_id: clientId, audience, subject_type: subject, ...scopes } };
  }
  if (!wanted) return { operation: 'delete_client-grants_by_id', path: { id: grant.id } };
  const before = accessOf(grant);
  const isSame = before?.all === wanted.all && (wanted.all || sameSet(before.scopes, wanted.scopes));
  if (isSame) return undefined;
  const body = wanted.all
    ? { allow_all_scopes: true }
    : { ...(before?.all ? { allow_all_scopes: false } : {}), scope: [...wanted.scopes] };
  return { operation: 'patch_client-grants_by_id', path: { id: grant.id }, body };
}

/** Whether somebody loses something by it. */
export function takesAway(grant: Grant | undefined, wanted: Access | undefined): boolean {
  const before = accessOf(grant);
  if (!before || wanted?.all) return false;
  return !wanted || before.all || [...before.scopes].some((scope) => !wanted.scopes.has(scope));
}

function sameSet(a: ReadonlySet<string>, b: ReadonlySet<string>): boolean {
  return a.size === b.size && [...a].every((value) => b.has(value));
}
