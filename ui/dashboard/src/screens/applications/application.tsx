import { Badge } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';

import { CopyableCode } from '~/components/code.tsx';
import { Page } from '~/components/page.tsx';
import { type PageTab, PageTabs } from '~/components/page-tabs.tsx';
import { Answer } from '~/components/states.tsx';

import { applicationQuery } from './data.ts';
import { typeName } from './options.ts';

const route = getRouteApi('/applications/$id');

const TABS: readonly PageTab[] = [
  { path: 'settings', label: 'Settings', needs: ['read:clients'] },
  { path: 'credentials', label: 'Credentials', needs: ['read:clients'] },
  { path: 'connections', label: 'Connections', needs: ['read:connections'] },
  { path: 'apis', label: 'APIs', needs: ['read:client_grants'] },
];

/** One application: its name, its client id, and a tab for each side of it. */
export function ApplicationPage() {
  const { id } = route.useParams();
  return (
    <Answer query={useQuery(applicationQuery(id))}>
      {(application) => (
        <Page
          title={application.name ?? id}
          back={{ to: '/applications', label: 'Applications' }}
          lead={
            <>
              <CopyableCode value={application.client_id} what="client id" />
              <Badge color="gray" ml={8}>
                {typeName(application.app_type)}
              </Badge>
            </>
          }
        >
          <PageTabs base={`/dashboard/applications/${encodeURIComponent(id)}`} tabs={TABS} />
        </Page>
      )}
    </Answer>
  );
}
