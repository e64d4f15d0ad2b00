// Searches among those who belong somewhere, which the Management API of the wire does not have.
import { readExtension } from './client.ts';
import { inLucene } from './lucene.ts';
import { MOST } from './pages.ts';

/** Some of a list. */
export interface Found<T> {
  items: T[];
  /** `undefined` where a search does not count. */
  total: number | undefined;
  hasMore: boolean;
}

/** The first members of an organization, or users of a role, whom a text or a query fits. */
export async function searchPlace<T>(path: string, member: 'members' | 'users', q: string): Promise<Found<T>> {
  const query = new URLSearchParams({ q: inLucene(q), take: String(MOST) });
  const found = await readExtension<{ members?: T[]; users?: T[]; next?: string }>(`${path}/search?${query.toString()}`);
  return { items: found[member] ?? [], total: undefined, hasMore: found.next !== undefined };
}
