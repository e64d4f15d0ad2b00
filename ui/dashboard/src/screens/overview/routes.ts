import { createRoute, redirect } from '@tanstack/react-router';

import { shell } from '~/shell/route.ts';

/** The first screen. */
export const overviewRoute = createRoute({
  getParentRoute: () => shell,
  path: '/',
  beforeLoad: () => {
    throw redirect({ to: '/apis', replace: true });
  },
});
