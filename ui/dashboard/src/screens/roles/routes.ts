import { createRoute, lazyRouteComponent, redirect } from '@tanstack/react-router';

import { listSearch } from '~/components/list-search.ts';
import { shell } from '~/shell/route.ts';

const section = createRoute({ getParentRoute: () => shell, path: '/roles' });

const list = createRoute({
  getParentRoute: () => section,
  path: '/',
  validateSearch: listSearch,
  component: lazyRouteComponent(() => import('./list.tsx'), 'RoleList'),
});

const role = createRoute({
  getParentRoute: () => section,
  path: '$id',
  component: lazyRouteComponent(() => import('./role.tsx'), 'RolePage'),
});

const first = createRoute({
  getParentRoute: () => role,
  path: '/',
  beforeLoad: ({ params }) => {
    throw redirect({ to: '/roles/$id/permissions', params, replace: true });
  },
});

const permissions = createRoute({
  getParentRoute: () => role,
  path: 'permissions',
  validateSearch: listSearch,
  component: lazyRouteComponent(() => import('./permissions.tsx'), 'RolePermissions'),
});

const users = createRoute({
  getParentRoute: () => role,
  path: 'users',
  validateSearch: listSearch,
  component: lazyRouteComponent(() => import('./users.tsx'), 'RoleUsers'),
});

const settings = createRoute({
  getParentRoute: () => role,
  path: 'settings',
  component: lazyRouteComponent(() => import('./settings.tsx'), 'RoleSettings'),
});

export const roleRoutes = section.addChildren([list, role.addChildren([first, permissions, users, settings])]);
