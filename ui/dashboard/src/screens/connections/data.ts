// Connections of the kind that keeps users here: databases.
import { queryOptions } from '@tanstack/react-query';

import { callAs, management } from '~/api/client.ts';
import { everything, MOST, pageOf, partOf } from '~/api/pages.ts';
import { firstName } from '~/components/names.ts';

export type CharacterType = 'lowercase' | 'uppercase' | 'number' | 'special';

/** What passwords must be, rule by rule. The server shows those in force where nobody wrote others. */
export interface PasswordOptions {
  complexity?: {
    min_length?: number;
    character_types?: CharacterType[];
    character_type_rule?: 'all' | 'three_of_four';
    identical_characters?: 'allow' | 'block';
    sequential_characters?: 'allow' | 'block';
  };
  dictionary?: { active?: boolean; custom?: string[]; default?: string };
  history?: { active?: boolean; size?: number };
  profile_data?: { active?: boolean; blocked_fields?: string[] };
}

export interface DatabaseOptions {
  password_options?: PasswordOptions;
  /** The older level. It holds beside the rules. */
  passwordPolicy?: string | null;
  requires_username?: boolean;
  disable_signup?: boolean;
  validation?: { username?: { min: number; max: number } | null } | null;
  /** The newer description of users. Where it is there, it says what user names are. */
  attributes?: Record<string, unknown>;
}

export interface Connection {
  id: string;
  name: string;
  display_name?: string;
  strategy: string;
  enabled_clients?: string[];
  options?: DatabaseOptions;
}

export const PER_PAGE = 25;

export interface ConnectionList {
  connections: Connection[];
  total: number;
}

/** Every connection: there are few, and the server finds them by their whole name only. */
export const allConnectionsQuery = queryOptions({
  queryKey: ['connections', 'all'],
  queryFn: () =>
    everything(async (from) => {
      const query = {
        page: pageOf(from), per_page: MOST, include_totals: true, fields: 'id,name,display_name,strategy,enabled_clients', include_fields: true,
      } as const;
      const found = await callAs<ConnectionList>(management.GET('/connections', { params: { query } }));
      return partOf(found.connections, found.total, query.page);
    }),
});

/** Those that keep users here. */
export function databasesOf(connections: readonly Connection[]): Connection[] {
  return connections.filter(({ strategy }) => strategy === 'auth0');
}

export function connectionQuery(id: string) {
  return queryOptions({
    queryKey: ['connections', id],
    queryFn: () => callAs<Connection>(management.GET('/connections/{id}', { params: { path: { id } } })),
  });
}

export function nameOf(connection: Pick<Connection, 'name' | 'display_name'>): string {
  return firstName(connection.display_name, connection.name);
}
