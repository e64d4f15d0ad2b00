// What happened in the tenant.
import { keepPreviousData, queryOptions } from '@tanstack/react-query';

import { callAs, management } from '~/api/client.ts';

import { inLucene, type LogFilter } from './filter.ts';

export interface LogEvent {
  log_id: string;
  date: string;
  type: string;
  description?: string | null;
  client_id?: string | null;
  client_name?: string | null;
  user_id?: string | null;
  user_name?: string | null;
  connection?: string | null;
  ip?: string | null;
  hostname?: string | null;
  audience?: string | null;
  scope?: string | null;
  details?: Record<string, unknown> | null;
}

export const PER_PAGE = 50;
/** The API pages no further. */
export const REACH = 1000;

export interface LogList {
  logs: LogEvent[];
  total: number;
}

export function logsQuery(filter: LogFilter, isLive: boolean) {
  const page = filter.page ?? 0;
  return queryOptions({
    queryKey: ['logs', filter],
    queryFn: () => {
      const q = inLucene(filter);
      const query = { page, per_page: PER_PAGE, include_totals: true, ...(q === '' ? {} : { search: q }) } as const;
      return callAs<LogList>(management.GET('/logs', { params: { query } }));
    },
    placeholderData: keepPreviousData,
    refetchInterval: isLive ? 2000 : false,
  });
}

export function eventQuery(id: string) {
  return queryOptions({
    queryKey: ['logs', id],
    queryFn: () => callAs<LogEvent>(management.GET('/logs/{id}', { params: { path: { id } } })),
    staleTime: Infinity,
  });
}
