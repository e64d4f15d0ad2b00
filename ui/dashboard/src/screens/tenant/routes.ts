import { createRoute, lazyRouteComponent } from '@tanstack/react-router';

import { shell } from '~/shell/route.ts';

export const tenantRoute = createRoute({
  getParentRoute: () => shell,
  path: '/tenant',
  component: lazyRouteComponent(() => import('./tenant.tsx'), 'TenantSettings'),
});
