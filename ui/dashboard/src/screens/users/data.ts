// Users, and what hangs on them.
import { keepPreviousData, queryOptions } from '@tanstack/react-query';

import { callAs, management } from '~/api/client.ts';
import { queryClient } from '~/api/queries.ts';
import { quoted } from '~/shell/finders.ts';

export interface User {
  user_id: string;
  email?: string;
  email_verified?: boolean;
  username?: string;
  name?: string;
  nickname?: string;
  given_name?: string;
  family_name?: string;
  blocked?: boolean;
  created_at?: string;
  last_login?: string;
  last_ip?: string;
  logins_count?: number;
  identities?: { connection: string; provider: string; user_id: string }[];
  user_metadata?: Record<string, unknown>;
  app_metadata?: Record<string, unknown>;
}

export type UserPatch = { [Member in keyof User]?: User[Member] | null };

export const PER_PAGE = 25;
const FIELDS = 'user_id,email,name,username,blocked,last_login,logins_count,identities';

export interface UserList {
  users: User[];
  total: number;
}

export function usersQuery(q: string | undefined, page: number) {
  return queryOptions({
    queryKey: ['users', { q: q ?? '', page }],
    queryFn: () => {
      const asked = q === undefined ? {} : { q: inLucene(q), search_engine: 'v3' as const };
      const query = { page, per_page: PER_PAGE, include_totals: true, fields: FIELDS, include_fields: true, ...asked } as const;
      return callAs<UserList>(management.GET('/users', { params: { query } }));
    },
    placeholderData: keepPreviousData,
  });
}

/** What somebody typed as a query: what names a field is one already. */
export function inLucene(text: string): string {
  if (/\b[a-z_.]+:\S/.test(text)) return text;
  return text.includes('@') ? `email:${quoted(text)}` : text.includes('|') ? `user_id:${quoted(text)}` : quoted(text);
}

export function userQuery(id: string) {
  return queryOptions({
    queryKey: ['users', id],
    queryFn: () => callAs<User>(management.GET('/users/{id}', { params: { path: { id } } })),
  });
}

export async function updateUser(id: string, body: UserPatch): Promise<void> {
  await callAs(management.PATCH('/users/{id}', { params: { path: { id } }, body: body as never }));
  await queryClient.invalidateQueries({ queryKey: ['users'] });
}

export function nameOf(user: User): string {
  return user.name ?? user.email ?? user.username ?? user.user_id;
}

export interface HeldRole {
  id: string;
  name: string;
  description?: string;
}

export function rolesOfQuery(id: string) {
  return queryOptions({
    queryKey: ['users', id, 'roles'],
    queryFn: () => callAs<HeldRole[]>(management.GET('/users/{id}/roles', { params: { path: { id }, query: { per_page: 100 } } })),
  });
}

export interface HeldPermission {
  permission_name: string;
  description?: string;
  resource_server_identifier: string;
  resource_server_name?: string;
  sources?: { source_type: string; source_name?: string; source_id?: string }[];
}

export function permissionsOfQuery(id: string, page: number) {
  return queryOptions({
    queryKey: ['users', id, 'permissions', page],
    queryFn: () => {
      const query = { per_page: 50, page, include_totals: true } as const;
      return callAs<{ total: number; permissions: HeldPermission[] }>(management.GET('/users/{id}/permissions', { params: { path: { id }, query } }));
    },
    placeholderData: keepPreviousData,
  });
}

export interface SignedIn {
  id: string;
  created_at?: string;
  authenticated_at?: string;
  last_interacted_at?: string;
  expires_at?: string;
  device?: { last_ip?: string; last_user_agent?: string; initial_ip?: string };
  clients?: { client_id: string }[];
}

export interface Refreshing {
  id: string;
  client_id?: string;
  created_at?: string;
  last_exchanged_at?: string;
  expires_at?: string;
  resource_servers?: { audience: string; scopes?: string }[];
}

export function sessionsOfQuery(id: string) {
  return queryOptions({
    queryKey: ['users', id, 'sessions'],
    queryFn: () => callAs<{ sessions: SignedIn[]; next?: string }>(management.GET('/users/{user_id}/sessions', { params: { path: { user_id: id }, query: { take: 100 } } })),
  });
}

export function refreshTokensOfQuery(id: string) {
  return queryOptions({
    queryKey: ['users', id, 'refresh-tokens'],
    queryFn: () => callAs<{ tokens: Refreshing[]; next?: string }>(management.GET('/users/{user_id}/refresh-tokens', { params: { path: { user_id: id }, query: { take: 100 } } })),
  });
}

/** What a user allowed an application: a grant on the wire. */
export interface Consent {
  id: string;
  clientID: string;
  audience: string;
  scope: string[];
}

export function consentsOfQuery(id: string) {
  return queryOptions({
    queryKey: ['users', id, 'consents'],
    queryFn: () => callAs<Consent[]>(management.GET('/grants', { params: { query: { user_id: id, per_page: 100 } } })),
  });
}

/** How applications are called, for those that are named by their ids. */
export function clientNamesQuery(ids: readonly string[]) {
  const wanted = [...new Set(ids)].sort();
  return queryOptions({
    queryKey: ['clients', 'names', wanted],
    queryFn: async () => {
      const read = async (id: string): Promise<[string, string]> => {
        const query = { fields: 'client_id,name', include_fields: true } as const;
        const found = await callAs<{ name?: string }>(management.GET('/clients/{id}', { params: { path: { id }, query } })).catch(() => undefined);
        return [id, found?.name ?? id];
      };
      return new Map(await Promise.all(wanted.map(read)));
    },
    enabled: wanted.length > 0,
    staleTime: 60_000,
  });
}
