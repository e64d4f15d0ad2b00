import { createRoute, lazyRouteComponent } from '@tanstack/react-router';

import { shell } from '~/shell/route.ts';

import type { LogFilter } from './filter.ts';

const section = createRoute({ getParentRoute: () => shell, path: '/logs' });

const list = createRoute({
  getParentRoute: () => section,
  path: '/',
  validateSearch: (search: Record<string, unknown>): LogFilter => {
    const text = (name: string) => (typeof search[name] === 'string' && search[name] !== '' ? { [name]: search[name] } : {});
    return {
      ...text('type'), ...text('client'), ...text('user'), ...text('q'),
      ...(Number.isInteger(search.page) && Number(search.page) > 0 ? { page: Number(search.page) } : {}),
    };
  },
  component: lazyRouteComponent(() => import('./list.tsx'), 'Logs'),
});

const event = createRoute({
  getParentRoute: () => section,
  path: '$id',
  component: lazyRouteComponent(() => import('./event.tsx'), 'LogEventPage'),
});

export const logRoutes = section.addChildren([list, event]);
