import { createRoute, lazyRouteComponent, redirect } from '@tanstack/react-router';

import { listSearch } from '~/components/list-search.ts';
import { shell } from '~/shell/route.ts';

const section = createRoute({ getParentRoute: () => shell, path: '/apis' });

/** In whose name, and the application that somebody was sent here for. */
export interface MatrixSearch {
  access?: 'client';
  client?: string;
}

const list = createRoute({
  getParentRoute: () => section,
  path: '/',
  validateSearch: listSearch,
  component: lazyRouteComponent(() => import('./list.tsx'), 'ApiList'),
});

const api = createRoute({
  getParentRoute: () => section,
  path: '$id',
  component: lazyRouteComponent(() => import('./api.tsx'), 'ApiPage'),
});

const first = createRoute({
  getParentRoute: () => api,
  path: '/',
  beforeLoad: ({ params }) => {
    throw redirect({ to: '/apis/$id/settings', params, replace: true });
  },
});

const settings = createRoute({
  getParentRoute: () => api,
  path: 'settings',
  component: lazyRouteComponent(() => import('./settings.tsx'), 'ApiSettings'),
});

const permissions = createRoute({
  getParentRoute: () => api,
  path: 'permissions',
  component: lazyRouteComponent(() => import('./permissions.tsx'), 'ApiPermissions'),
});

const applications = createRoute({
  getParentRoute: () => api,
  path: 'applications',
  validateSearch: (search: Record<string, unknown>): MatrixSearch => ({
    ...(search.access === 'client' ? { access: 'client' } : {}),
    ...(typeof search.client === 'string' ? { client: search.client } : {}),
  }),
  component: lazyRouteComponent(() => import('./applications.tsx'), 'ApiApplications'),
});

const quickstart = createRoute({
  getParentRoute: () => api,
  path: 'quickstart',
  validateSearch: (search: Record<string, unknown>): { language?: string } =>
    typeof search.language === 'string' ? { language: search.language } : {},
  component: lazyRouteComponent(() => import('./quickstart.tsx'), 'ApiQuickstart'),
});

const test = createRoute({
  getParentRoute: () => api,
  path: 'test',
  component: lazyRouteComponent(() => import('./test.tsx'), 'ApiTest'),
});

export const apiRoutes = section.addChildren([list, api.addChildren([first, settings, permissions, applications, quickstart, test])]);
