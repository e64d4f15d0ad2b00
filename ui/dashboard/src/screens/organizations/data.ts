// Organizations: customers of the tenant, each with members of its own.
import { keepPreviousData, queryOptions } from '@tanstack/react-query';

import { callAs, management } from '~/api/client.ts';

export interface Organization {
  id: string;
  name: string;
  display_name?: string;
}

export const PER_PAGE = 25;

export function organizationsQuery(page: number) {
  return queryOptions({
    queryKey: ['organizations', { page }],
    queryFn: () => {
      const query = { page, per_page: PER_PAGE, include_totals: true } as const;
      return callAs<{ organizations: Organization[]; total: number }>(management.GET('/organizations', { params: { query } }));
    },
    placeholderData: keepPreviousData,
  });
}

export function organizationQuery(id: string) {
  return queryOptions({
    queryKey: ['organizations', id],
    queryFn: () => callAs<Organization>(management.GET('/organizations/{id}', { params: { path: { id } } })),
  });
}

export function nameOf(organization: Organization): string {
  return organization.display_name ?? organization.name;
}

export interface Member {
  user_id: string;
  name?: string;
  email?: string;
  roles?: { id: string; name: string }[];
}

export function membersQuery(id: string, page: number) {
  return queryOptions({
    queryKey: ['organizations', id, 'members', page],
    queryFn: () => {
      const query = { page, per_page: PER_PAGE, include_totals: true, fields: 'user_id,name,email,roles', include_fields: true } as const;
      return callAs<{ members: Member[]; total: number }>(management.GET('/organizations/{id}/members', { params: { path: { id }, query } }));
    },
    placeholderData: keepPreviousData,
  });
}

export function enabledConnectionsQuery(id: string) {
  return queryOptions({
    queryKey: ['organizations', id, 'connections'],
    queryFn: () => {
      const query = { per_page: 100 } as const;
      return callAs<{ connection_id: string }[]>(management.GET('/organizations/{id}/enabled_connections', { params: { path: { id }, query } }));
    },
  });
}
