// Short messages in the corner. What shows them is fetched with the first one.
import { lazy, useSyncExternalStore } from 'react';

import { inWords } from '~/api/queries.ts';

export const Notices = lazy(() => import('./notices.tsx'));

/** Something was done. */
export function done(message: string) {
  void show({ message, color: 'green' });
}

/** Something was refused: in the server's words. */
export function failed(error: unknown, title = 'That did not work') {
  void show({ title, message: inWords(error), color: 'red', autoClose: 10_000 });
}

let isWanted = false;
const listeners = new Set<() => void>();

/** Whether there was a message yet. */
export function useAreNoticesWanted(): boolean {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => isWanted,
  );
}

async function show(notice: { title?: string; message: string; color: string; autoClose?: number }) {
  isWanted = true;
  for (const listener of listeners) listener();
  const { notifications } = await import('@mantine/notifications');
  notifications.show(notice);
}
