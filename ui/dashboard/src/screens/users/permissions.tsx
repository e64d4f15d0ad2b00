import { Button, Group, Text } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi, Link } from '@tanstack/react-router';
import { lazy, Suspense } from 'react';

import { call, management } from '~/api/client.ts';
import { queryClient } from '~/api/queries.ts';
import { May, useMay } from '~/auth/session.tsx';
import { Code } from '~/components/code.tsx';
import { useConfirm } from '~/components/confirm.tsx';
import { done } from '~/components/notify.ts';
import { Pager } from '~/components/pager.tsx';
import { Answer, Empty } from '~/components/states.tsx';
import { Table } from '~/components/table.tsx';
import { usePage } from '~/components/use-page.ts';

import { type HeldPermission, permissionsOfQuery } from './data.ts';

const AddPermissions = lazy(() => import('../roles/add-permissions.tsx'));
const route = getRouteApi('/users/$id/permissions');

/** What somebody may do, and where they have it from. */
export function UserPermissions() {
  const { id } = route.useParams();
  const [page, setPage] = usePage();
  const permissions = useQuery(permissionsOfQuery(id, page));
  const [isAdding, adding] = useDisclosure();
  const add = (permission: { resource_server_identifier: string; permission_name: string }[]) =>
    call(management.POST('/users/{id}/permissions', { params: { path: { id } }, body: { permissions: permission } }));
  return (
    <div className="panel">
      <Group p="sm" justify="space-between">
        <Text size="sm" c="dimmed" maw={560}>
          What tokens in their name may carry, on APIs that look at it. Better given by a role; directly where it is theirs alone.
        </Text>
        <May scope="update:users">
          <Button variant="default" onClick={adding.open}>
            Give permissions
          </Button>
        </May>
      </Group>
      <Answer query={permissions} rows={3}>
        {(data) =>
          data.permissions.length === 0 ? (
            <Empty title="No permission" text="Neither a role nor a direct permission gives anything." />
          ) : (
            <>
              <Held userId={id} held={data.permissions} />
              <Pager page={page} perPage={50} total={data.total} onPage={setPage} />
            </>
          )
        }
      </Answer>
      <Suspense>
        {isAdding ? (
          <AddPermissions
            title="Give permissions"
            add={add}
            close={adding.close}
            onAdded={() => queryClient.invalidateQueries({ queryKey: ['users', id] })}
          />
        ) : null}
      </Suspense>
    </div>
  );
}

function Held({ userId, held }: { userId: string; held: HeldPermission[] }) {
  const confirm = useConfirm();
  const may = useMay();
  const take = ({ permission_name: name, resource_server_identifier: audience }: HeldPermission) =>
    confirm({
      title: `Take ${name} away?`,
      effect: <Text size="sm">The direct permission goes. What a role gives stays; tokens that were issued stay good until they end.</Text>,
      action: 'Take permission away',
      run: async () => {
        const body = { permissions: [{ permission_name: name, resource_server_identifier: audience }] };
        await call(management.DELETE('/users/{id}/permissions', { params: { path: { id: userId } }, body }));
        await queryClient.invalidateQueries({ queryKey: ['users', userId] });
        done(`${name} was taken away`);
      },
    });
  return (
    <Table cards label="Permissions">
      <Table.Head columns={['Permission', 'API', 'From']} hasActions />
      <Table.Tbody>
        {held.map((permission) => {
          const sources = permission.sources ?? [];
          const isDirect = sources.length === 0 || sources.some(({ source_type: type }) => type === 'DIRECT');
          return (
            <Table.Tr key={`${permission.resource_server_identifier} ${permission.permission_name}`}>
              <Table.Td>
                <Code>{permission.permission_name}</Code>
                <Text size="xs" c="dimmed">
                  {permission.description}
                </Text>
              </Table.Td>
              <Table.Td>{permission.resource_server_name ?? permission.resource_server_identifier}</Table.Td>
              <Table.Td>
                {isDirect ? 'given directly' : null}
                {sources
                  .filter(({ source_type: type }) => type === 'ROLE')
                  .map(({ source_id: id, source_name: name }, index) => (
                    <span key={id ?? index}>
                      {index > 0 || isDirect ? ', ' : ''}
                      {id === undefined ? (
                        name
                      ) : (
                        <Link className="plain-link" to="/roles/$id/permissions" params={{ id }}>
                          {name ?? id}
                        </Link>
                      )}
                    </span>
                  ))}
              </Table.Td>
              <Table.Td style={{ textAlign: 'right' }}>
                {isDirect && may('update:users') ? (
                  <Button size="compact-sm" variant="subtle" color="red" onClick={() => take(permission)} aria-label={`Take away ${permission.permission_name}`}>
                    Take away
                  </Button>
                ) : null}
              </Table.Td>
            </Table.Tr>
          );
        })}
      </Table.Tbody>
    </Table>
  );
}
