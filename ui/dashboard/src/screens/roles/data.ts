// Roles: permissions that are given together.
import { keepPreviousData, queryOptions, useQueries } from '@tanstack/react-query';

import { callAs, management } from '~/api/client.ts';
import { type Found, searchPlace } from '~/api/places.ts';
import { useMay } from '~/auth/session.tsx';
import type { HeldPermission, User } from '~/screens/users/data.ts';

export interface Role {
  id: string;
  name: string;
  description?: string | null;
}

export const PER_PAGE = 25;

export interface RoleList {
  roles: Role[];
  total: number;
}

export function rolesQuery(q: string | undefined, page: number) {
  return queryOptions({
    queryKey: ['roles', { q: q ?? '', page }],
    queryFn: () => {
      const query = { page, per_page: PER_PAGE, include_totals: true, ...(q === undefined ? {} : { name_filter: q }) } as const;
      return callAs<RoleList>(management.GET('/roles', { params: { query } }));
    },
    placeholderData: keepPreviousData,
  });
}

/** The first hundred that are called so. */
export function roleChoicesQuery(text: string) {
  return queryOptions({
    queryKey: ['roles', 'choice', text],
    queryFn: () => {
      const query = { per_page: 100, ...(text === '' ? {} : { name_filter: text }) } as const;
      return callAs<Role[]>(management.GET('/roles', { params: { query } }));
    },
    placeholderData: keepPreviousData,
  });
}

/** How roles are called, for those that are named by their ids. */
export function useRoleNames(ids: readonly string[]): (id: string) => string {
  const may = useMay();
  const found = useQueries({ queries: may('read:roles') ? [...new Set(ids)].map(roleQuery) : [] });
  const names = new Map(found.flatMap(({ data }) => (data ? [[data.id, data.name] as const] : [])));
  return (id) => names.get(id) ?? id;
}

export function roleQuery(id: string) {
  return queryOptions({
    queryKey: ['roles', id],
    queryFn: () => callAs<Role>(management.GET('/roles/{id}', { params: { path: { id } } })),
  });
}

export const PERMISSIONS_PER_PAGE = 50;

export function permissionsOfRoleQuery(id: string, page: number) {
  return queryOptions({
    queryKey: ['roles', id, 'permissions', page],
    queryFn: () => {
      const query = { per_page: PERMISSIONS_PER_PAGE, page, include_totals: true } as const;
      return callAs<{ total: number; permissions: HeldPermission[] }>(management.GET('/roles/{id}/permissions', { params: { path: { id }, query } }));
    },
    placeholderData: keepPreviousData,
  });
}

export function usersOfRoleQuery(id: string, q: string | undefined, page: number) {
  return {
    queryKey: ['roles', id, 'users', { q: q ?? '', page }],
    queryFn: async (): Promise<Found<User>> => {
      if (q !== undefined) return searchPlace(`roles/${encodeURIComponent(id)}/users`, 'users', q);
      const query = { per_page: PER_PAGE, page, include_totals: true } as const;
      const found = await callAs<{ total: number; users: User[] }>(management.GET('/roles/{id}/users', { params: { path: { id }, query } }));
      return { items: found.users, total: found.total, hasMore: false };
    },
  };
}
