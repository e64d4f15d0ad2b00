// Lists that are longer than one answer. None of them stops at the first page without saying so.
import { type QueryKey, useInfiniteQuery, type UseQueryResult } from '@tanstack/react-query';

/** The most that one answer of the API carries. */
export const MOST = 100;

/** One answer of a list: what is in it, and where the next begins, if there is one. */
export interface Part<T> {
  items: T[];
  next: string | undefined;
}

/** Everything, answer by answer. For lists that are short as a rule. */
export async function everything<T>(read: (from: string | undefined) => Promise<Part<T>>): Promise<T[]> {
  const all: T[] = [];
  let from: string | undefined;
  do {
    const part = await read(from);
    all.push(...part.items);
    from = part.next;
  } while (from !== undefined);
  return all;
}

/** An answer with a total as a part: pages are counted from 0, and the next one is named by its number. */
export function partOf<T>(items: T[], total: number, page: number, perPage = MOST): Part<T> {
  return { items, next: items.length > 0 && (page + 1) * perPage < total ? String(page + 1) : undefined };
}

/** The number of the page that `from` names. */
export function pageOf(from: string | undefined): number {
  return from === undefined ? 0 : Number(from);
}

export interface Growing<T> extends Pick<UseQueryResult<T[]>, 'isError' | 'error' | 'refetch'> {
  data: T[] | undefined;
  /** Reads the next part; `undefined` where all is there. */
  more: (() => void) | undefined;
  isReading: boolean;
}

/** A list that grows by a button: see {@link More}. */
export function useGrowing<T>(queryKey: QueryKey, read: (from: string | undefined) => Promise<Part<T>>): Growing<T> {
  const query = useInfiniteQuery({
    queryKey,
    queryFn: ({ pageParam }) => read(pageParam),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (last) => last.next,
  });
  return {
    data: query.data?.pages.flatMap(({ items }) => items),
    isError: query.isError,
    error: query.error,
    refetch: query.refetch as Growing<T>['refetch'],
    more: query.hasNextPage ? () => void query.fetchNextPage() : undefined,
    isReading: query.isFetchingNextPage,
  };
}
