// What the overview counts. Tokens are counted in the log, day by day: the log is asked for so many events and no more at once.
import { queryOptions } from '@tanstack/react-query';

import { ApiError, callAs, management } from '~/api/client.ts';

import { lastDays } from './days.ts';

export interface Day {
  /** `2026-11-26`, in UTC as everything here. */
  date: string;
  logins: number;
  /** `undefined` where there were more than the log counts at once. */
  tokens: number | undefined;
}

export interface LogEvent {
  log_id: string;
  date: string;
  type: string;
  description?: string | null;
  client_name?: string | null;
  user_name?: string | null;
  ip?: string;
}

const TOKENS = ['seacft', 'seccft', 'sertft', 'sepft'];
const FAILURES = ['f', 'fp', 'fu', 'fs', 'fsa', 'feacft', 'feccft', 'fertft', 'fepft', 'limit_wc', 'limit_mu'];

const MINUTE = 60_000;

export const dailyQuery = queryOptions({
  queryKey: ['stats', 'daily'],
  queryFn: async () => {
    const days = lastDays(new Date());
    const query = { from: compact(days[0] ?? ''), to: compact(days.at(-1) ?? '') };
    const found = await callAs<{ date: string; logins: number }[]>(management.GET('/stats/daily', { params: { query } }));
    const logins = new Map(found.map((day) => [day.date.slice(0, 10), day.logins]));
    return days.map((date) => ({ date, logins: logins.get(date) ?? 0 }));
  },
  staleTime: MINUTE,
});

export function tokensQuery(date: string) {
  return queryOptions({
    queryKey: ['logs', 'tokens', date],
    queryFn: () => count(`type:(${TOKENS.join(' OR ')}) AND date:[${date} TO ${date}]`),
    staleTime: MINUTE,
  });
}

export const failuresQuery = queryOptions({
  queryKey: ['logs', 'failures'],
  queryFn: async () => {
    const since = new Date(Date.now() - 86_400_000).toISOString();
    const query = { q: `type:(${FAILURES.join(' OR ')}) AND date:[${since} TO *]`, per_page: 8, include_totals: true } as const;
    return bounded(() => callAs<{ logs: LogEvent[]; total: number }>(management.GET('/logs', { params: { query: query as never } })));
  },
  staleTime: MINUTE,
});

export const activeUsersQuery = queryOptions({
  queryKey: ['stats', 'active-users'],
  queryFn: () => callAs<number>(management.GET('/stats/active-users')),
  staleTime: MINUTE,
});

export interface SigningKey {
  kid: string;
  current?: boolean;
  next?: boolean;
  current_since?: string;
}

export const signingKeysQuery = queryOptions({
  queryKey: ['keys', 'signing'],
  queryFn: () => callAs<SigningKey[]>(management.GET('/keys/signing')),
  staleTime: MINUTE,
});

async function count(q: string): Promise<number | null> {
  const query = { q, per_page: 0, include_totals: true } as const;
  const found = await bounded(() => callAs<{ total: number }>(management.GET('/logs', { params: { query: query as never } })));
  return found?.total ?? null;
}

/** `null` where the server says that there is too much to look at. */
async function bounded<T>(read: () => Promise<T>): Promise<T | null> {
  try {
    return await read();
  } catch (error) {
    if (error instanceof ApiError && error.status === 503) return null;
    throw error;
  }
}

function compact(date: string): string {
  return date.replaceAll('-', '');
}
