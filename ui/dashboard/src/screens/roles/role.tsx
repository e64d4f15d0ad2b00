import { useQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';

import { Page } from '~/components/page.tsx';
import { type PageTab, PageTabs } from '~/components/page-tabs.tsx';
import { Answer } from '~/components/states.tsx';

import { roleQuery } from './data.ts';

const route = getRouteApi('/roles/$id');

const TABS: readonly PageTab[] = [
  { path: 'permissions', label: 'Permissions', needs: ['read:roles'] },
  { path: 'users', label: 'Users', needs: ['read:users', 'read:roles', 'read:role_members'] },
  { path: 'settings', label: 'Settings', needs: ['read:roles'] },
];

/** One role: what it gives, and to whom. */
export function RolePage() {
  const { id } = route.useParams();
  return (
    <Answer query={useQuery(roleQuery(id))}>
      {(role) => (
        <Page title={role.name} back={{ to: '/roles', label: 'Roles' }} lead={role.description}>
          <PageTabs base={`/dashboard/roles/${encodeURIComponent(id)}`} tabs={TABS} />
        </Page>
      )}
    </Answer>
  );
}
