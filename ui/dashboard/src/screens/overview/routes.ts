import { createRoute, lazyRouteComponent } from '@tanstack/react-router';

import { shell } from '~/shell/route.ts';

/** The first screen. */
export const overviewRoute = createRoute({
  getParentRoute: () => shell,
  path: '/',
  component: lazyRouteComponent(() => import('./overview.tsx'), 'Overview'),
});
