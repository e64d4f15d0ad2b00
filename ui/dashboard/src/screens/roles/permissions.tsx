import { Button, Group, Text } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { lazy, Suspense } from 'react';

import { call, management } from '~/api/client.ts';
import { queryClient } from '~/api/queries.ts';
import { May } from '~/auth/session.tsx';
import { Code } from '~/components/code.tsx';
import { useConfirm } from '~/components/confirm.tsx';
import { Effects } from '~/components/effects.tsx';
import { done } from '~/components/notify.ts';
import { Pager } from '~/components/pager.tsx';
import { Answer, Empty } from '~/components/states.tsx';
import { Table } from '~/components/table.tsx';
import { usePage } from '~/components/use-page.ts';
import type { HeldPermission } from '~/screens/users/data.ts';

import type { Permission } from './add-permissions.tsx';
import { PERMISSIONS_PER_PAGE, permissionsOfRoleQuery } from './data.ts';

const AddPermissions = lazy(() => import('./add-permissions.tsx'));
const route = getRouteApi('/roles/$id/permissions');

/** What the role gives. */
export function RolePermissions() {
  const { id } = route.useParams();
  const [page, setPage] = usePage();
  const permissions = useQuery(permissionsOfRoleQuery(id, page));
  const [isAdding, adding] = useDisclosure();
  const add = (given: Permission[]) => call(management.POST('/roles/{id}/permissions', { params: { path: { id } }, body: { permissions: given } }));
  const give = (
    <May scope="update:roles">
      <Button onClick={adding.open}>Add permissions</Button>
    </May>
  );
  return (
    <div className="panel">
      <Answer query={permissions} rows={3}>
        {(data) =>
          data.permissions.length === 0 ? (
            <Empty title="It gives nothing yet" text="Pick an API, and the scopes that everybody with this role is to have." action={give} />
          ) : (
            <>
              <Group p="sm" justify="flex-end">
                {give}
              </Group>
              <Given roleId={id} permissions={data.permissions} />
              <Pager page={page} perPage={PERMISSIONS_PER_PAGE} total={data.total} onPage={setPage} />
            </>
          )
        }
      </Answer>
      <Suspense>
        {isAdding ? (
          <AddPermissions title="Add permissions" add={add} close={adding.close} onAdded={() => changed()} />
        ) : null}
      </Suspense>
    </div>
  );
}

function Given({ roleId, permissions }: { roleId: string; permissions: HeldPermission[] }) {
  const confirm = useConfirm();
  const take = ({ permission_name: name, resource_server_identifier: audience }: HeldPermission) => {
    const body = { permissions: [{ permission_name: name, resource_server_identifier: audience }] };
    confirm({
      title: `Remove ${name}?`,
      effect: <Effects operations={[{ operation: 'delete_role_permission_assignment', path: { id: roleId }, body }]} />,
      action: 'Remove permission',
      run: async () => {
        await call(management.DELETE('/roles/{id}/permissions', { params: { path: { id: roleId } }, body }));
        await changed();
        done(`${name} was removed`);
      },
    });
  };
  return (
    <Table cards label="Permissions">
      <Table.Head columns={['Permission', 'Description', 'API']} hasActions />
      <Table.Tbody>
        {permissions.map((permission) => (
          <Table.Tr key={`${permission.resource_server_identifier} ${permission.permission_name}`}>
            <Table.Td>
              <Code>{permission.permission_name}</Code>
            </Table.Td>
            <Table.Td>
              <Text size="sm" c="dimmed">
                {permission.description}
              </Text>
            </Table.Td>
            <Table.Td style={{ overflowWrap: 'anywhere' }}>{permission.resource_server_name ?? permission.resource_server_identifier}</Table.Td>
            <Table.Td style={{ textAlign: 'right' }}>
              <May scope="update:roles">
                <Button size="compact-sm" variant="subtle" color="red" onClick={() => take(permission)} aria-label={`Remove ${permission.permission_name}`}>
                  Remove
                </Button>
              </May>
            </Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  );
}

/** Users hold what roles give. */
async function changed() {
  await queryClient.invalidateQueries({ queryKey: ['roles'] });
  void queryClient.invalidateQueries({ queryKey: ['users'] });
}
