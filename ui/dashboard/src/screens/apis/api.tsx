import { Badge, Tabs } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi, Outlet, useNavigate, useRouterState } from '@tanstack/react-router';

import { useMay } from '~/auth/session.tsx';
import type { Scope } from '~/auth/scopes.ts';
import { CopyableCode } from '~/components/code.tsx';
import { Page } from '~/components/page.tsx';
import { Answer } from '~/components/states.tsx';

import { apiQuery } from './data.ts';

const route = getRouteApi('/apis/$id');

const TABS: { path: string; label: string; needs: readonly Scope[] }[] = [
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
  const may = useMay();
  const navigate = useNavigate();
  const path = useRouterState({ select: (state) => state.location.pathname });
  const tab = path.split('/').at(-1) ?? 'settings';
  return (
    <Answer query={api}>
      {(data) => (
        <Page
          title={data.name ?? data.identifier}
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
          <Tabs value={tab} onChange={(next) => void navigate({ href: `/dashboard/apis/${encodeURIComponent(id)}/${next}` })}>
            <Tabs.List mb="lg" style={{ flexWrap: 'nowrap', overflowX: 'auto', overflowY: 'hidden' }}>
              {TABS.filter(({ needs }) => may(...needs)).map(({ path: value, label }) => (
                <Tabs.Tab key={value} value={value}>
                  {label}
                </Tabs.Tab>
              ))}
            </Tabs.List>
            <Tabs.Panel value={tab}>
              <Outlet />
            </Tabs.Panel>
          </Tabs>
        </Page>
      )}
    </Answer>
  );
}
