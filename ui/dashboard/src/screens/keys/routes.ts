import { createRoute, lazyRouteComponent } from '@tanstack/react-router';

import { shell } from '~/shell/route.ts';

export const keyRoute = createRoute({
  getParentRoute: () => shell,
  path: '/signing-keys',
  component: lazyRouteComponent(() => import('./keys.tsx'), 'SigningKeys'),
});
