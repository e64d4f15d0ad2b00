import { createRoute, lazyRouteComponent, redirect } from '@tanstack/react-router';

import { listSearch } from '~/components/list-search.ts';
import { shell } from '~/shell/route.ts';

const section = createRoute({ getParentRoute: () => shell, path: '/applications' });

const list = createRoute({
  getParentRoute: () => section,
  path: '/',
  validateSearch: listSearch,
  component: lazyRouteComponent(() => import('./list.tsx'), 'ApplicationList'),
});

const application = createRoute({
  getParentRoute: () => section,
  path: '$id',
  component: lazyRouteComponent(() => import('./application.tsx'), 'ApplicationPage'),
});

const first = createRoute({
  getParentRoute: () => application,
  path: '/',
  beforeLoad: ({ params }) => {
    throw redirect({ to: '/applications/$id/settings', params, replace: true });
  },
});

const settings = createRoute({
  getParentRoute: () => application,
  path: 'settings',
  component: lazyRouteComponent(() => import('./settings.tsx'), 'ApplicationSettings'),
});

const credentials = createRoute({
  getParentRoute: () => application,
  path: 'credentials',
  component: lazyRouteComponent(() => import('./credentials.tsx'), 'ApplicationCredentials'),
});

const connections = createRoute({
  getParentRoute: () => application,
  path: 'connections',
  component: lazyRouteComponent(() => import('./connections.tsx'), 'ApplicationConnections'),
});

const apis = createRoute({
  getParentRoute: () => application,
  path: 'apis',
  component: lazyRouteComponent(() => import('./apis.tsx'), 'ApplicationApis'),
});

export const applicationRoutes = section.addChildren([
  list,
  application.addChildren([first, settings, credentials, connections, apis]),
]);
