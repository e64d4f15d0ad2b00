import { type Icon, IconApi, IconAppWindow, IconBuilding, IconDatabase, IconUser, IconUserShield } from '@tabler/icons-react';
import { useMemo } from 'react';

import { callAs, management } from '~/api/client.ts';
import { inLucene, quoted } from '~/api/lucene.ts';
import { queryClient } from '~/api/queries.ts';
import { useMay } from '~/auth/session.tsx';
import { firstName } from '~/components/names.ts';
import { allConnectionsQuery, databasesOf, nameOf as connectionName } from '~/screens/connections/data.ts';
import { nameOf as organizationName, searchOrganizations } from '~/screens/organizations/data.ts';

/** A thing of the tenant that a search found. */
export interface Found {
  kind: string;
  label: string;
  detail: string;
  href: string;
  icon: Icon;
}

type Finder = (text: string) => Promise<Found[]>;

/** Who searches for what: one for each kind of thing that may be read. */
export function useFinders(): Finder[] {
  const may = useMay();
  return useMemo(
    () => [
      ...(may('read:resource_servers') ? [findApis] : []),
      ...(may('read:clients') ? [findApplications] : []),
      ...(may('read:users') ? [findUsers] : []),
      ...(may('read:roles') ? [findRoles] : []),
      ...(may('read:organizations') ? [findOrganizations] : []),
      ...(may('read:connections') ? [findConnections] : []),
    ],
    [may],
  );
}

/** How many of each kind. */
const FEW = 5;

async function findApis(text: string): Promise<Found[]> {
  const query = { q: quoted(text), parser: 'lucene', take: FEW } as const;
  const { resource_servers: apis } = await callAs<{ resource_servers: { id: string; name?: string; identifier: string }[] }>(
    management.GET('/resource-servers/search', { params: { query } }),
  );
  return apis.map((api) => ({
    kind: 'API',
    label: firstName(api.name, api.identifier),
    detail: api.identifier,
    href: `/dashboard/apis/${encodeURIComponent(api.id)}/settings`,
    icon: IconApi,
  }));
}

async function findApplications(text: string): Promise<Found[]> {
  const query = { q: quoted(text), parser: 'lucene', take: FEW, fields: 'client_id,name', include_fields: true } as const;
  const { clients } = await callAs<{ clients: { client_id: string; name?: string }[] }>(management.GET('/clients/search', { params: { query } }));
  return clients.map(({ client_id: id, name }) => ({
    kind: 'Application',
    label: firstName(name, id),
    detail: id,
    href: `/dashboard/applications/${encodeURIComponent(id)}/settings`,
    icon: IconAppWindow,
  }));
}

async function findUsers(text: string): Promise<Found[]> {
  const query = { q: inLucene(text), search_engine: 'v3', per_page: FEW, fields: 'user_id,email,name', include_fields: true } as const;
  const users = await callAs<{ user_id: string; email?: string; name?: string }[]>(management.GET('/users', { params: { query } }));
  return users.map(({ user_id: id, email, name }) => ({
    kind: 'User',
    label: firstName(name, email, id),
    detail: email ?? id,
    href: `/dashboard/users/${encodeURIComponent(id)}/profile`,
    icon: IconUser,
  }));
}

async function findRoles(text: string): Promise<Found[]> {
  const query = { name_filter: text.trim(), per_page: FEW } as const;
  const roles = await callAs<{ id: string; name: string; description?: string | null }[]>(management.GET('/roles', { params: { query } }));
  return roles.map(({ id, name, description }) => ({
    kind: 'Role',
    label: name,
    detail: description ?? '',
    href: `/dashboard/roles/${encodeURIComponent(id)}/permissions`,
    icon: IconUserShield,
  }));
}

async function findConnections(text: string): Promise<Found[]> {
  const typed = text.trim().toLowerCase();
  const all = databasesOf(await queryClient.ensureQueryData({ ...allConnectionsQuery, revalidateIfStale: true }));
  const found = all.filter((one) => [one.name, one.display_name ?? ''].some((name) => name.toLowerCase().includes(typed)));
  return found.slice(0, FEW).map((one) => ({
    kind: 'Connection',
    label: connectionName(one),
    detail: one.name,
    href: `/dashboard/connections/${encodeURIComponent(one.id)}/settings`,
    icon: IconDatabase,
  }));
}

async function findOrganizations(text: string): Promise<Found[]> {
  const found = await searchOrganizations(text, FEW);
  return found.map((one) => ({
    kind: 'Organization',
    label: organizationName(one),
    detail: one.name,
    href: `/dashboard/organizations/${encodeURIComponent(one.id)}/members`,
    icon: IconBuilding,
  }));
}
