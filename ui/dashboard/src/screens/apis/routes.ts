import { createRoute, lazyRouteComponent, redirect } from '@tanstack/react-router';

import { shell } from '~/shell/route.ts';

const section = createRoute({ getParentRoute: () => shell, path: '/apis' });

/** What a list shows is in its address, so that links and the back button find it again. */
export interface ListSearch {
  q?: string;
  page?: number;
}

/** In whose name, and the application that somebody was sent here for. */
export interface MatrixSearch {
  access?: 'client';
  client?: string;
}

const list = createRoute({
  getParentRoute: () => section,
  path: '/',
  validateSearch: (search: Record<string, unknown>): ListSearch => ({
    ...(typeof search.q === 'string' && search.q !== '' ? { q: search.q } : {}),
    ...(Number.isInteger(search.page) && Number(search.page) > 0 ? { page: Number(search.page) } : {}),
  }),
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
