import { useNavigate, useSearch } from '@tanstack/react-router';

import type { ListSearch } from './list-search.ts';

/** The page of a list in a tab, from 0. It is in the address: the route has `validateSearch: listSearch`. */
export function usePage(): [number, (page: number) => void] {
  const { page = 0 }: ListSearch = useSearch({ strict: false });
  const navigate = useNavigate();
  return [page, (next) => void navigate({ to: '.', search: next === 0 ? {} : { page: next } })];
}
