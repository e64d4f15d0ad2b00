import { useNavigate, useSearch } from '@tanstack/react-router';
import { useCallback } from 'react';

import type { ListSearch } from './list-search.ts';

/** The page of a list in a tab, from 0. It is in the address: the route has `validateSearch: listSearch`. */
export function usePage(): [number, (page: number) => void] {
  const { page = 0 }: ListSearch = useSearch({ strict: false });
  const navigate = useNavigate();
  return [page, (next) => void navigate({ to: '.', search: next === 0 ? {} : { page: next } })];
}

/** What is looked for in a list in a tab, as {@link usePage}. A search begins at its first page. */
export function useLooking(): [string | undefined, (text: string) => void] {
  const { q }: ListSearch = useSearch({ strict: false });
  const navigate = useNavigate();
  const look = useCallback((text: string) => void navigate({ to: '.', search: text === '' ? {} : { q: text }, replace: true }), [navigate]);
  return [q, look];
}
