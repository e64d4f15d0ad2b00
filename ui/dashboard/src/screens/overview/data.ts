// What the overview counts.
import { queryOptions } from '@tanstack/react-query';

import { ApiError, callAs, management, readExtension } from '~/api/client.ts';

import type { LogEvent } from '../logs/data.ts';
import { FAMILIES } from '../logs/filter.ts';
import { lastDays } from './days.ts';

export interface Day {
  /** `2026-11-26`, in UTC as everything here. */
  date: string;
  logins: number;
  /** `undefined` where there were more events than the server counts. */
  tokens: number | undefined;
}


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

/** Access tokens by day; a day without a number has more events than the server counts. */
export const tokensQuery = queryOptions({
  queryKey: ['stats', 'tokens'],
  queryFn: async () => {
    const days = lastDays(new Date());
    const range = `from=${compact(days[0] ?? '')}&to=${compact(days.at(-1) ?? '')}`;
    const found = await readExtension<{ days: { date: string; tokens?: number }[] }>(`stats/tokens?${range}`);
    return new Map(found.days.map(({ date, tokens }) => [date, tokens]));
  },
  staleTime: MINUTE,
});

export const failuresQuery = queryOptions({
  queryKey: ['logs', 'failures'],
  queryFn: async () => {
    const since = new Date(Date.now() - 86_400_000).toISOString();
    const query = { q: `type:(${(FAMILIES.failures?.types ?? []).join(' OR ')}) AND date:[${since} TO *]`, per_page: 8, include_totals: true } as const;
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
