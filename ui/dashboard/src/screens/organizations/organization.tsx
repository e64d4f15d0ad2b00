import { useQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';

import { Page } from '~/components/page.tsx';
import { type PageTab, PageTabs } from '~/components/page-tabs.tsx';
import { Answer } from '~/components/states.tsx';

import { organizationQuery, nameOf } from './data.ts';

const route = getRouteApi('/organizations/$id');

const TABS: readonly PageTab[] = [
  { path: 'members', label: 'Members', needs: ['read:organization_members'] },
  { path: 'invitations', label: 'Invitations', needs: ['read:organization_invitations'] },
  { path: 'connections', label: 'Connections', needs: ['read:organization_connections'] },
  { path: 'settings', label: 'Settings', needs: ['read:organizations'] },
];

/** One organization: who belongs to it, and how they get in. */
export function OrganizationPage() {
  const { id } = route.useParams();
  return (
    <Answer query={useQuery(organizationQuery(id))}>
      {(organization) => (
        <Page title={nameOf(organization)} back={{ to: '/organizations', label: 'Organizations' }}>
          <PageTabs base={`/dashboard/organizations/${encodeURIComponent(id)}`} tabs={TABS} />
        </Page>
      )}
    </Answer>
  );
}
