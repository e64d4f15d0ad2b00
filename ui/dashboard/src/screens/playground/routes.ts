import { createRoute, lazyRouteComponent } from '@tanstack/react-router';

import { shell } from '~/shell/route.ts';

import type { Flow } from './explain.ts';

/** The whole request is in the address, so that a question about a scope can be sent to somebody. */
export interface PlaygroundSearch {
  client?: string | undefined;
  audience?: string | undefined;
  scope?: string | undefined;
  flow?: Flow | undefined;
  user?: string | undefined;
  email?: string | undefined;
  organization?: string | undefined;
}

const section = createRoute({ getParentRoute: () => shell, path: '/playground' });

const bench = createRoute({
  getParentRoute: () => section,
  path: '/',
  validateSearch: (search: Record<string, unknown>): PlaygroundSearch => {
    const text = (name: string) => (typeof search[name] === 'string' ? { [name]: search[name] } : {});
    const isFlow = ['authorization_code', 'implicit', 'client_credentials'].includes(String(search.flow));
    return {
      ...text('client'), ...text('audience'), ...text('scope'), ...text('user'), ...text('email'), ...text('organization'),
      ...(isFlow ? { flow: search.flow as Flow } : {}),
    };
  },
  component: lazyRouteComponent(() => import('./playground.tsx'), 'Playground'),
});

export const playgroundRoutes = section.addChildren([bench]);
