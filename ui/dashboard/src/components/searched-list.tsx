import { Group } from '@mantine/core';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';

import type { Found } from '~/api/places.ts';

import { MoreFound } from './more.tsx';
import { Pager } from './pager.tsx';
import { SearchField } from './search-field.tsx';
import { Answer } from './states.tsx';
import { useLooking, usePage } from './use-page.ts';

interface Props<T> {
  /** Of what is looked for, or of a page of everything. */
  query: (q: string | undefined, page: number) => { queryKey: readonly unknown[]; queryFn: () => Promise<Found<T>> };
  perPage: number;
  /** `undefined` where whoever is signed in may not search. */
  label: string | undefined;
  /** Nothing is in the list, or nothing was found. */
  empty: ReactNode;
  notFound: ReactNode;
  children: (items: T[]) => ReactNode;
}

/** A list in a tab that is searched and paged through. Both are in the address. */
export function SearchedList<T>({ query, perPage, label, empty, notFound, children }: Props<T>) {
  const [page, setPage] = usePage();
  const [typed, look] = useLooking();
  const q = label === undefined ? undefined : typed;
  const list = useQuery({ ...query(q, page), placeholderData: keepPreviousData });
  return (
    <>
      {label === undefined ? null : (
        <Group p="sm">
          <SearchField label={label} value={q ?? ''} onChange={look} />
        </Group>
      )}
      <Answer query={list} rows={3}>
        {({ items, hasMore, total }) =>
          items.length === 0 ? (
            q === undefined ? empty : notFound
          ) : (
            <>
              {children(items)}
              {hasMore ? <MoreFound /> : null}
              {total === undefined ? null : <Pager page={page} perPage={perPage} total={total} onPage={setPage} />}
            </>
          )
        }
      </Answer>
    </>
  );
}
