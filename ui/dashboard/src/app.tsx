import { MantineProvider } from '@mantine/core';
import { QueryClientProvider } from '@tanstack/react-query';
import { RouterProvider } from '@tanstack/react-router';
import { lazy, Suspense } from 'react';

import { queryClient } from './api/queries.ts';
import { Session } from './auth/session.tsx';
import { ConfirmProvider } from './components/confirm.tsx';
import { Notices, useAreNoticesWanted } from './components/notify.ts';
import { nonce } from './nonce.ts';
import { router } from './router.tsx';
import { cssVariables, theme } from './theme.ts';

/** Outside the session: the answer that comes here is another application's. */
const isCallback = window.location.pathname === '/dashboard/playground/callback';
const PlaygroundCallback = lazy(() => import('./screens/playground/callback.tsx'));

export function App() {
  return (
    <MantineProvider theme={theme} cssVariablesResolver={cssVariables} defaultColorScheme="auto" getStyleNonce={nonce}>
      <Corner />
      <QueryClientProvider client={queryClient}>
        {isCallback ? (
          <Suspense>
            <PlaygroundCallback />
          </Suspense>
        ) : (
          <Session>
            <ConfirmProvider>
              <RouterProvider router={router} />
            </ConfirmProvider>
          </Session>
        )}
      </QueryClientProvider>
    </MantineProvider>
  );
}

function Corner() {
  return useAreNoticesWanted() ? (
    <Suspense>
      <Notices />
    </Suspense>
  ) : null;
}
