// Every address of the dashboard. Screens are fetched when somebody goes there first.
import { createRouter } from '@tanstack/react-router';

import { apiRoutes } from './screens/apis/routes.ts';
import { applicationRoutes } from './screens/applications/routes.ts';
import { brandingRoute } from './screens/branding/routes.ts';
import { connectionRoutes } from './screens/connections/routes.ts';
import { keyRoute } from './screens/keys/routes.ts';
import { organizationRoutes } from './screens/organizations/routes.ts';
import { overviewRoute } from './screens/overview/routes.ts';
import { logRoutes } from './screens/logs/routes.ts';
import { playgroundRoutes } from './screens/playground/routes.ts';
import { roleRoutes } from './screens/roles/routes.ts';
import { tenantRoute } from './screens/tenant/routes.ts';
import { userRoutes } from './screens/users/routes.ts';
import { Failure, Loading } from './components/states.tsx';
import { NotFound } from './shell/not-found.tsx';
import { shell } from './shell/route.ts';

const tree = shell.addChildren([
  overviewRoute, apiRoutes, playgroundRoutes, applicationRoutes, userRoutes, roleRoutes, organizationRoutes, connectionRoutes, logRoutes,
  keyRoute, brandingRoute, tenantRoute,
]);

export const router = createRouter({
  routeTree: tree,
  basepath: '/dashboard',
  defaultPreload: 'intent',
  defaultPendingMs: 200,
  defaultPendingComponent: Loading,
  defaultErrorComponent: ({ error, reset }) => <Failure error={error} again={reset} />,
  defaultNotFoundComponent: NotFound,
  scrollRestoration: true,
});

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router;
  }
}
