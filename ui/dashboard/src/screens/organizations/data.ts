// Organizations: customers of the tenant, each with members of its own.
import { keepPreviousData, queryOptions } from '@tanstack/react-query';

import { callAs, management } from '~/api/client.ts';
import { quoted } from '~/api/lucene.ts';
import { everything, MOST, pageOf, partOf } from '~/api/pages.ts';
import { type Found, searchPlace } from '~/api/places.ts';
import { firstName } from '~/components/names.ts';

export interface Organization {
  id: string;
  name: string;
  display_name?: string;
}

export const PER_PAGE = 25;

export interface OrganizationPage {
  organizations: Organization[];
  /** `undefined` where a search does not count. */
  total: number | undefined;
  hasMore: boolean;
}

export function organizationsQuery(q: string | undefined, page: number) {
  return queryOptions({
    queryKey: ['organizations', { q: q ?? '', page }],
    queryFn: () => (q === undefined ? readPage(page) : search(q, MOST)),
    placeholderData: keepPreviousData,
  });
}

async function readPage(page: number): Promise<OrganizationPage> {
  const query = { page, per_page: PER_PAGE, include_totals: true, sort: 'name:1' } as const;
  const found = await callAs<{ organizations: Organization[]; total: number }>(management.GET('/organizations', { params: { query } }));
  return { ...found, hasMore: false };
}

async function search(q: string, take: number): Promise<OrganizationPage> {
  const query = { q: quoted(q), parser: 'lucene', take } as const;
  const found = await callAs<{ organizations: Organization[]; next?: string }>(management.GET('/organizations/search', { params: { query } }));
  return { organizations: found.organizations, total: undefined, hasMore: found.next !== undefined };
}

/** The first ones that are called so. */
export async function searchOrganizations(q: string, take: number): Promise<Organization[]> {
  return (await search(q, take)).organizations;
}

export function organizationQuery(id: string) {
  return queryOptions({
    queryKey: ['organizations', id],
    queryFn: () => callAs<Organization>(management.GET('/organizations/{id}', { params: { path: { id } } })),
  });
}

export function nameOf(organization: Pick<Organization, 'name' | 'display_name'>): string {
  return firstName(organization.display_name, organization.name);
}

export interface Member {
  user_id: string;
  name?: string | null;
  email?: string | null;
  roles?: { id: string; name: string }[];
}

export function membersQuery(id: string, q: string | undefined, page: number) {
  return {
    queryKey: ['organizations', id, 'members', { q: q ?? '', page }],
    queryFn: async (): Promise<Found<Member>> => {
      if (q !== undefined) return searchPlace(`organizations/${encodeURIComponent(id)}/members`, 'members', q);
      const query = { page, per_page: PER_PAGE, include_totals: true, fields: 'user_id,name,email,roles', include_fields: true } as const;
      const found = await callAs<{ members: Member[]; total: number }>(management.GET('/organizations/{id}/members', { params: { path: { id }, query } }));
      return { items: found.members, total: found.total, hasMore: false };
    },
  };
}

/** A database of an organization, with what holds for those who sign in with it. */
export interface EnabledConnection {
  connection_id: string;
  assign_membership_on_login?: boolean;
  is_signup_enabled?: boolean;
  connection?: { name: string };
}

export function enabledConnectionsQuery(id: string) {
  return queryOptions({
    queryKey: ['organizations', id, 'connections'],
    queryFn: () =>
      everything(async (from) => {
        const query = { page: pageOf(from), per_page: MOST, include_totals: true } as const;
        const found = await callAs<{ enabled_connections: EnabledConnection[]; total: number }>(
          management.GET('/organizations/{id}/enabled_connections', { params: { path: { id }, query } }),
        );
        return partOf(found.enabled_connections, found.total, query.page);
      }),
  });
}

export interface Invitation {
  id: string;
  inviter: { name: string };
  invitee: { email: string };
  /** Whoever has it can become a member: shown when asked for. */
  invitation_url: string;
  client_id: string;
  connection_id?: string;
  roles?: string[];
  created_at: string;
  expires_at: string;
}

export function invitationsQuery(id: string, page: number) {
  return queryOptions({
    queryKey: ['organizations', id, 'invitations', page],
    queryFn: () => {
      const query = { page, per_page: PER_PAGE, include_totals: true } as const;
      return callAs<{ invitations: Invitation[]; total: number }>(management.GET('/organizations/{id}/invitations', { params: { path: { id }, query } }));
    },
    placeholderData: keepPreviousData,
  });
}
