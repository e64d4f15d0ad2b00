import { createRoute, lazyRouteComponent, redirect } from '@tanstack/react-router';

import { listSearch } from '~/components/list-search.ts';
import { shell } from '~/shell/route.ts';

const section = createRoute({ getParentRoute: () => shell, path: '/users' });

const list = createRoute({
  getParentRoute: () => section,
  path: '/',
  validateSearch: listSearch,
  component: lazyRouteComponent(() => import('./list.tsx'), 'UserList'),
});

const user = createRoute({
  getParentRoute: () => section,
  path: '$id',
  component: lazyRouteComponent(() => import('./user.tsx'), 'UserPage'),
});

const first = createRoute({
  getParentRoute: () => user,
  path: '/',
  beforeLoad: ({ params }) => {
    throw redirect({ to: '/users/$id/profile', params, replace: true });
  },
});

const profile = createRoute({
  getParentRoute: () => user,
  path: 'profile',
  component: lazyRouteComponent(() => import('./profile.tsx'), 'UserProfile'),
});

const roles = createRoute({
  getParentRoute: () => user,
  path: 'roles',
  component: lazyRouteComponent(() => import('./roles.tsx'), 'UserRoles'),
});

const permissions = createRoute({
  getParentRoute: () => user,
  path: 'permissions',
  validateSearch: listSearch,
  component: lazyRouteComponent(() => import('./permissions.tsx'), 'UserPermissions'),
});

const sessions = createRoute({
  getParentRoute: () => user,
  path: 'sessions',
  component: lazyRouteComponent(() => import('./sessions.tsx'), 'UserSessions'),
});

const organizations = createRoute({
  getParentRoute: () => user,
  path: 'organizations',
  validateSearch: listSearch,
  component: lazyRouteComponent(() => import('./organizations.tsx'), 'UserOrganizations'),
});

const consents = createRoute({
  getParentRoute: () => user,
  path: 'consents',
  component: lazyRouteComponent(() => import('./consents.tsx'), 'UserConsents'),
});

const logs = createRoute({
  getParentRoute: () => user,
  path: 'logs',
  validateSearch: listSearch,
  component: lazyRouteComponent(() => import('./logs.tsx'), 'UserLogs'),
});

export const userRoutes = section.addChildren([
  list,
  user.addChildren([first, profile, roles, permissions, organizations, sessions, consents, logs]),
]);
