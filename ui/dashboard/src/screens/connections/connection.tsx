import { useQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';

import { Page } from '~/components/page.tsx';
import { type PageTab, PageTabs } from '~/components/page-tabs.tsx';
import { Answer } from '~/components/states.tsx';

import { connectionQuery, nameOf } from './data.ts';

const route = getRouteApi('/connections/$id');

const TABS: readonly PageTab[] = [
  { path: 'settings', label: 'Settings', needs: ['read:connections'] },
  { path: 'applications', label: 'Applications', needs: ['read:clients'] },
];

/** One database: what it asks of users, and where they may sign in. */
export function ConnectionPage() {
  const { id } = route.useParams();
  return (
    <Answer query={useQuery(connectionQuery(id))}>
      {(connection) => (
        <Page title={nameOf(connection)} back={{ to: '/connections', label: 'Connections' }}>
          <PageTabs base={`/dashboard/connections/${encodeURIComponent(id)}`} tabs={TABS} />
        </Page>
      )}
    </Answer>
  );
}
