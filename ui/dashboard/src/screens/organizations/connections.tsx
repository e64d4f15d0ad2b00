import { Switch, Text } from '@mantine/core';
import { useMutation, useQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';

import { call, management } from '~/api/client.ts';
import { queryClient } from '~/api/queries.ts';
import { useMay } from '~/auth/session.tsx';
import { useConfirm } from '~/components/confirm.tsx';
import { done, failed } from '~/components/notify.ts';
import { Answer } from '~/components/states.tsx';
import { Table } from '~/components/table.tsx';
import { type Connection, connectionsQuery, nameOf } from '~/screens/connections/data.ts';

import { enabledConnectionsQuery } from './data.ts';

const route = getRouteApi('/organizations/$id/connections');

/** From which databases members may sign in. */
export function OrganizationConnections() {
  const { id } = route.useParams();
  const enabled = useQuery(enabledConnectionsQuery(id));
  const connections = useQuery(connectionsQuery(0));
  return (
    <div className="panel">
      <Text size="sm" c="dimmed" p="md">
        Members sign in to the organization with the databases that are switched on.
      </Text>
      <Answer query={enabled} rows={2}>
        {(on) => (
          <Answer query={connections} rows={2}>
            {(all) => (
              <Table label="Connections">
                <Table.Thead>
                  <Table.Tr>
                    <Table.Th>Database</Table.Th>
                    <Table.Th>Members may sign in</Table.Th>
                  </Table.Tr>
                </Table.Thead>
                <Table.Tbody>
                  {all.connections.map((one) => (
                    <Row key={one.id} id={id} connection={one} isOn={on.some((each) => each.connection_id === one.id)} />
                  ))}
                </Table.Tbody>
              </Table>
            )}
          </Answer>
        )}
      </Answer>
    </div>
  );
}

function Row({ id, connection, isOn }: { id: string; connection: Connection; isOn: boolean }) {
  const confirm = useConfirm();
  const may = useMay();
  const name = nameOf(connection);
  const changed = () => queryClient.invalidateQueries({ queryKey: ['organizations'] });
  const add = useMutation({
    mutationFn: () =>
      call(management.POST('/organizations/{id}/enabled_connections', { params: { path: { id } }, body: { connection_id: connection.id } })),
    onSuccess: async () => {
      await changed();
      done(`Members may sign in with ${name}`);
    },
    onError: (error) => failed(error),
  });
  const remove = () =>
    confirm({
      title: `Switch ${name} off here?`,
      effect: <Text size="sm">Members whose user is in {name} cannot sign in to this organization any more. They stay members.</Text>,
      action: 'Switch off',
      run: async () => {
        const path = { id, connectionId: connection.id };
        await call(management.DELETE('/organizations/{id}/enabled_connections/{connectionId}', { params: { path } }));
        await changed();
        done(`Members may not sign in with ${name} any more`);
      },
    });
  return (
    <Table.Tr>
      <Table.Td style={{ overflowWrap: 'anywhere' }}>{name}</Table.Td>
      <Table.Td>
        <Switch
          aria-label={`Members may sign in with ${name}`}
          checked={isOn}
          disabled={add.isPending || !may(isOn ? 'delete:organization_connections' : 'create:organization_connections')}
          onChange={(event) => (event.currentTarget.checked ? add.mutate() : remove())}
        />
      </Table.Td>
    </Table.Tr>
  );
}
