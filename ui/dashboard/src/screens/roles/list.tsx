import { Button, Group, Text } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { IconPlus } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi, Link } from '@tanstack/react-router';
import { lazy, type ReactNode, Suspense, useCallback } from 'react';

import { May } from '~/auth/session.tsx';
import { Page } from '~/components/page.tsx';
import { Pager } from '~/components/pager.tsx';
import { SearchField } from '~/components/search-field.tsx';
import { Answer, Empty } from '~/components/states.tsx';
import { Table } from '~/components/table.tsx';

import { PER_PAGE, type Role, rolesQuery } from './data.ts';

const CreateRole = lazy(() => import('./create.tsx'));
const route = getRouteApi('/roles/');

export function RoleList() {
  const { q, page = 0 } = route.useSearch();
  const navigate = route.useNavigate();
  const roles = useQuery(rolesQuery(q, page));
  const [isCreating, creating] = useDisclosure();
  const look = useCallback((text: string) => void navigate({ search: text === '' ? {} : { q: text }, replace: true }), [navigate]);
  const create = (
    <May scope="create:roles">
      <Button leftSection={<IconPlus size={16} aria-hidden />} onClick={creating.open}>
        Create role
      </Button>
    </May>
  );
  return (
    <Page title="Roles" lead="Permissions on APIs that are given together, to everybody who has the role." actions={create}>
      <div className="panel">
        <Group p="sm">
          <SearchField label="Search roles" value={q ?? ''} onChange={look} />
        </Group>
        <Answer query={roles}>{(data) => (data.roles.length === 0 ? <Nothing q={q} action={create} /> : <Rows roles={data.roles} />)}</Answer>
        {roles.data === undefined ? null : (
          <Pager
            page={page}
            perPage={PER_PAGE}
            total={roles.data.total}
            onPage={(next) => void navigate({ search: { ...(q === undefined ? {} : { q }), ...(next === 0 ? {} : { page: next }) } })}
          />
        )}
      </div>
      <Suspense>{isCreating ? <CreateRole close={creating.close} /> : null}</Suspense>
    </Page>
  );
}

function Rows({ roles }: { roles: Role[] }) {
  return (
    <Table cards label="Roles">
      <Table.Head columns={['Name', 'Description']} />
      <Table.Tbody>
        {roles.map((role) => (
          <Table.Tr key={role.id}>
            <Table.Td>
              <Link className="row-link" to="/roles/$id/permissions" params={{ id: role.id }}>
                {role.name}
              </Link>
            </Table.Td>
            <Table.Td>
              <Text size="sm" c="dimmed" style={{ overflowWrap: 'anywhere' }}>
                {role.description}
              </Text>
            </Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  );
}

function Nothing({ q, action }: { q: string | undefined; action: ReactNode }) {
  if (q !== undefined) return <Empty title="No role is called that" text="Roles are found by any part of their names." />;
  return <Empty title="No role yet" text="Make one for each job people have, and give it the scopes that the job needs." action={action} />;
}
