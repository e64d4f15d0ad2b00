import { createRoute, lazyRouteComponent } from '@tanstack/react-router';

import { shell } from '~/shell/route.ts';

export const brandingRoute = createRoute({
  getParentRoute: () => shell,
  path: '/branding',
  component: lazyRouteComponent(() => import('./branding.tsx'), 'BrandingSettings'),
});
