import { keepPreviousData, useQuery } from '@tanstack/react-query';

import { callAs, management } from '~/api/client.ts';
import { useMay } from '~/auth/session.tsx';
import { firstName } from '~/components/names.ts';
import { useApplicationNames } from '~/screens/apis/grants.ts';
import type { User } from '~/screens/users/data.ts';

import type { LogEvent } from './data.ts';

/** Events with the names of users and applications that were written down by their ids alone: calls of the Management API are. */
export function useNamed(events: readonly LogEvent[]): LogEvent[] {
  const applicationName = useApplicationNames(events.flatMap(({ client_id: id, client_name: name }) => (id && !name ? [id] : [])));
  const userName = useUserNames(events.flatMap(({ user_id: id, user_name: name }) => (id && !name ? [id] : [])));
  return events.map((event) => ({
    ...event,
    client_name: event.client_name || (event.client_id && applicationName(event.client_id)),
    user_name: event.user_name || (event.user_id && userName(event.user_id)),
  }));
}

function useUserNames(ids: readonly string[]): (id: string) => string {
  const may = useMay();
  const wanted = [...new Set(ids)].sort().slice(0, MOST_NAMED);
  const found = useQuery({
    queryKey: ['users', 'by-id', wanted],
    queryFn: () => {
      const q = `user_id:(${wanted.map((id) => `"${id.replaceAll(/["\\]/g, '\\$&')}"`).join(' OR ')})`;
      const query = { q, search_engine: 'v3', per_page: MOST_NAMED, fields: 'user_id,name,email', include_fields: true } as const;
      return callAs<User[]>(management.GET('/users', { params: { query } }));
    },
    enabled: wanted.length > 0 && may('read:users'),
    staleTime: 60_000,
    placeholderData: keepPreviousData,
  });
  const names = new Map((found.data ?? []).map((user) => [user.user_id, firstName(user.name, user.email, user.user_id)]));
  return (id) => names.get(id) ?? id;
}

/** As many as a page of events has. */
const MOST_NAMED = 50;
