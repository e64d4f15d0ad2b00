import { createRoute, lazyRouteComponent, redirect } from '@tanstack/react-router';

import { listSearch } from '~/components/list-search.ts';
import { shell } from '~/shell/route.ts';

const section = createRoute({ getParentRoute: () => shell, path: '/organizations' });

const list = createRoute({
  getParentRoute: () => section,
  path: '/',
  validateSearch: listSearch,
  component: lazyRouteComponent(() => import('./list.tsx'), 'OrganizationList'),
});

const organization = createRoute({
  getParentRoute: () => section,
  path: '$id',
  component: lazyRouteComponent(() => import('./organization.tsx'), 'OrganizationPage'),
});

const first = createRoute({
  getParentRoute: () => organization,
  path: '/',
  beforeLoad: ({ params }) => {
    throw redirect({ to: '/organizations/$id/members', params, replace: true });
  },
});

const settings = createRoute({
  getParentRoute: () => organization,
  path: 'settings',
  component: lazyRouteComponent(() => import('./settings.tsx'), 'OrganizationSettings'),
});

const members = createRoute({
  getParentRoute: () => organization,
  path: 'members',
  validateSearch: listSearch,
  component: lazyRouteComponent(() => import('./members.tsx'), 'OrganizationMembers'),
});

const invitations = createRoute({
  getParentRoute: () => organization,
  path: 'invitations',
  validateSearch: listSearch,
  component: lazyRouteComponent(() => import('./invitations.tsx'), 'OrganizationInvitations'),
});

const connections = createRoute({
  getParentRoute: () => organization,
  path: 'connections',
  component: lazyRouteComponent(() => import('./connections.tsx'), 'OrganizationConnections'),
});

export const organizationRoutes = section.addChildren([
  list, organization.addChildren([first, members, invitations, connections, settings]),
]);
