import { createRoute, lazyRouteComponent, redirect } from '@tanstack/react-router';

import { listSearch } from '~/components/list-search.ts';
import { shell } from '~/shell/route.ts';

const section = createRoute({ getParentRoute: () => shell, path: '/connections' });

const list = createRoute({
  getParentRoute: () => section,
  path: '/',
  validateSearch: listSearch,
  component: lazyRouteComponent(() => import('./list.tsx'), 'ConnectionList'),
});

const connection = createRoute({
  getParentRoute: () => section,
  path: '$id',
  component: lazyRouteComponent(() => import('./connection.tsx'), 'ConnectionPage'),
});

const first = createRoute({
  getParentRoute: () => connection,
  path: '/',
  beforeLoad: ({ params }) => {
    throw redirect({ to: '/connections/$id/settings', params, replace: true });
  },
});

const settings = createRoute({
  getParentRoute: () => connection,
  path: 'settings',
  component: lazyRouteComponent(() => import('./settings.tsx'), 'ConnectionSettings'),
});

const applications = createRoute({
  getParentRoute: () => connection,
  path: 'applications',
  validateSearch: listSearch,
  component: lazyRouteComponent(() => import('./applications.tsx'), 'ConnectionApplications'),
});

export const connectionRoutes = section.addChildren([list, connection.addChildren([first, settings, applications])]);
