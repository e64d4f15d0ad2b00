/** What a list shows is in its address, so that links and the back button find it again. */
export interface ListSearch {
  q?: string;
  page?: number;
}

/** For `validateSearch`: whatever else is in the address is left out. */
export function listSearch(search: Record<string, unknown>): ListSearch {
  return {
    ...(typeof search.q === 'string' && search.q !== '' ? { q: search.q } : {}),
    ...(Number.isInteger(search.page) && Number(search.page) > 0 ? { page: Number(search.page) } : {}),
  };
}
