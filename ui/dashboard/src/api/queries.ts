import { QueryCache, QueryClient, MutationCache } from '@tanstack/react-query';

import { ApiError } from './client.ts';

type Listener = () => void;
let onExpired: Listener = () => {};

/** What happens when the server no longer takes the token. */
export function whenExpired(listener: Listener) {
  onExpired = listener;
}

function watch(error: unknown) {
  if (error instanceof ApiError && error.status === 401) onExpired();
}

export const queryClient = new QueryClient({
  queryCache: new QueryCache({ onError: watch }),
  mutationCache: new MutationCache({ onError: watch }),
  defaultOptions: {
    queries: {
      staleTime: 10_000,
      // What the server refuses it will refuse again.
      retry: (count, error) => count < 2 && !(error instanceof ApiError && error.status >= 400 && error.status !== 429),
    },
    mutations: { retry: false },
  },
});

/** An error in words, for notifications and for the state of a screen. */
export function inWords(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
