import { Badge } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';

import { CopyableCode } from '~/components/code.tsx';
import { firstName } from '~/components/names.ts';
import { Page } from '~/components/page.tsx';
import { type PageTab, PageTabs } from '~/components/page-tabs.tsx';
import { Answer } from '~/components/states.tsx';

import { apiQuery } from './data.ts';

const route = getRouteApi('/apis/$id');

const TABS: readonly PageTab[] = [
  { path: 'settings', label: 'Settings', needs: ['read:resource_servers'] },
  { path: 'permissions', label: 'Permissions', needs: ['read:resource_servers'] },
  { path: 'applications', label: 'Applications', needs: ['read:client_grants'] },
  { path: 'quickstart', label: 'Quickstart', needs: ['read:resource_servers'] },
  { path: 'test', label: 'Test', needs: ['read:client_grants'] },
];

/** One API: its name, its identifier, and a tab for each side of it. */
export function ApiPage() {
  const { id } = route.useParams();
  const api = useQuery(apiQuery(id));
  return (
    <Answer query={api}>
      {(data) => (
        <Page
          title={firstName(data.name, data.identifier)}
          back={{ to: '/apis', label: 'APIs' }}
          lead={
            <>
              <CopyableCode value={data.identifier} what="identifier" />
              {data.is_system ? (
                <Badge color="gray" ml={8}>
                  System
                </Badge>
              ) : null}
            </>
          }
        >
          <PageTabs base={`/dashboard/apis/${encodeURIComponent(id)}`} tabs={TABS} />
        </Page>
      )}
    </Answer>
  );
}
