// Users, and what hangs on them.
import { keepPreviousData, queryOptions } from '@tanstack/react-query';

import { call, callAs, management } from '~/api/client.ts';
import { everything, MOST, pageOf, type Part, partOf } from '~/api/pages.ts';
import { queryClient } from '~/api/queries.ts';
import { inLucene } from '~/api/lucene.ts';
import { firstName } from '~/components/names.ts';

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

export function userQuery(id: string) {
  return queryOptions({
    queryKey: ['users', id],
    queryFn: () => callAs<User>(management.GET('/users/{id}', { params: { path: { id } } })),
  });
}

export interface WrongPasswords {
  blocked_for: { identifier: string; ip?: string }[];
}

/** Where somebody is kept out after too many wrong passwords. */
export function wrongPasswordsQuery(id: string) {
  return queryOptions({
    queryKey: ['users', id, 'blocks'],
    queryFn: () => callAs<WrongPasswords>(management.GET('/user-blocks/{id}', { params: { path: { id } } })),
  });
}

/** Lets somebody in again, whatever kept them out. */
export async function unblockUser(user: User): Promise<void> {
  const { user_id: id } = user;
  await call(management.DELETE('/user-blocks/{id}', { params: { path: { id } } }));
  if (user.blocked) await callAs(management.PATCH('/users/{id}', { params: { path: { id } }, body: { blocked: false } }));
  await queryClient.invalidateQueries({ queryKey: ['users'] });
}

export async function updateUser(id: string, body: UserPatch): Promise<void> {
  await callAs(management.PATCH('/users/{id}', { params: { path: { id } }, body: body as never }));
  await queryClient.invalidateQueries({ queryKey: ['users'] });
}

export function nameOf(user: User): string {
  return firstName(user.name, user.email, user.username, user.user_id);
}

export interface HeldRole {
  id: string;
  name: string;
  description?: string;
}

export function rolesOfQuery(id: string) {
  return queryOptions({
    queryKey: ['users', id, 'roles'],
    queryFn: () =>
      everything(async (from) => {
        const query = { per_page: MOST, page: pageOf(from), include_totals: true } as const;
        const found = await callAs<{ roles: HeldRole[]; total: number }>(management.GET('/users/{id}/roles', { params: { path: { id }, query } }));
        return partOf(found.roles, found.total, query.page);
      }),
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

/** A part of somebody's sessions; the same for tokens and consents below. For `useGrowing`. */
export async function readSessions(id: string, from: string | undefined): Promise<Part<SignedIn>> {
  const query = { take: PER_PAGE, ...(from === undefined ? {} : { from }) };
  const path = { user_id: id };
  const found = await callAs<{ sessions: SignedIn[]; next?: string }>(management.GET('/users/{user_id}/sessions', { params: { path, query } }));
  return { items: found.sessions, next: found.next };
}

export async function readRefreshTokens(id: string, from: string | undefined): Promise<Part<Refreshing>> {
  const query = { take: PER_PAGE, ...(from === undefined ? {} : { from }) };
  const path = { user_id: id };
  const found = await callAs<{ tokens: Refreshing[]; next?: string }>(management.GET('/users/{user_id}/refresh-tokens', { params: { path, query } }));
  return { items: found.tokens, next: found.next };
}

/** What a user allowed an application: a grant on the wire. */
export interface Consent {
  id: string;
  clientID: string;
  audience: string;
  scope: string[];
}

export async function readConsents(id: string, from: string | undefined): Promise<Part<Consent>> {
  const query = { user_id: id, page: pageOf(from), per_page: PER_PAGE, include_totals: true } as const;
  const found = await callAs<{ grants: Consent[]; total: number }>(management.GET('/grants', { params: { query } }));
  return partOf(found.grants, found.total, query.page, PER_PAGE);
}

export interface Belonging {
  id: string;
  name: string;
  display_name?: string;
}

export function organizationsOfQuery(id: string, page: number) {
  return queryOptions({
    queryKey: ['users', id, 'organizations', page],
    queryFn: () => {
      const query = { page, per_page: PER_PAGE, include_totals: true } as const;
      return callAs<{ organizations: Belonging[]; total: number }>(management.GET('/users/{id}/organizations', { params: { path: { id }, query } }));
    },
    placeholderData: keepPreviousData,
  });
}
