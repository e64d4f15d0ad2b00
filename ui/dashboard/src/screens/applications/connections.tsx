import { Switch, Text } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';

import { call, callAs, management } from '~/api/client.ts';
import { useMay } from '~/auth/session.tsx';
import { useConfirm } from '~/components/confirm.tsx';
import { done, failed } from '~/components/notify.ts';
import { Answer, Empty } from '~/components/states.tsx';
import { Table } from '~/components/table.tsx';

const route = getRouteApi('/applications/$id/connections');

interface Connection {
  id: string;
  name: string;
  display_name?: string;
  strategy: string;
  enabled_clients?: string[];
}

/** Whose users may sign in to the application. */
export function ApplicationConnections() {
  const { id } = route.useParams();
  const connections = useQuery({
    queryKey: ['connections', 'all'],
    queryFn: () => {
      const query = { per_page: 100, fields: 'id,name,display_name,strategy,enabled_clients', include_fields: true } as const;
      return callAs<Connection[]>(management.GET('/connections', { params: { query } }));
    },
  });
  return (
    <div className="panel">
      <Text size="sm" c="dimmed" p="md">
        A connection is where users come from. Those of the ones that are switched on may sign in to this application.
      </Text>
      <Answer query={connections} rows={2}>
        {(all) =>
          all.length === 0 ? (
            <Empty title="No connection yet" text="Without one, nobody can sign in." />
          ) : (
            <Table label="Connections">
              <Table.Thead>
                <Table.Tr>
                  <Table.Th>Connection</Table.Th>
                  <Table.Th>Kind</Table.Th>
                  <Table.Th>Users may sign in</Table.Th>
                </Table.Tr>
              </Table.Thead>
              <Table.Tbody>
                {all.map((connection) => (
                  <Row key={connection.id} clientId={id} connection={connection} />
                ))}
              </Table.Tbody>
            </Table>
          )
        }
      </Answer>
    </div>
  );
}

function Row({ clientId, connection }: { clientId: string; connection: Connection }) {
  const queries = useQueryClient();
  const confirm = useConfirm();
  const isEditable = useMay()('update:connections');
  const isOn = connection.enabled_clients?.includes(clientId) ?? false;
  const name = connection.display_name ?? connection.name;
  const write = async (status: boolean) => {
    await call(management.PATCH('/connections/{id}/clients', { params: { path: { id: connection.id } }, body: [{ client_id: clientId, status }] }));
    await queries.invalidateQueries({ queryKey: ['connections'] });
    done(status ? `Users of ${name} may sign in` : `Users of ${name} may not sign in any more`);
  };
  const turn = useMutation({ mutationFn: write, onError: (error) => failed(error) });
  const change = (status: boolean) => {
    if (status) return turn.mutate(true);
    confirm({
      title: `Switch ${name} off here?`,
      effect: <Text size="sm">Users of {name} cannot sign in to this application any more. Whoever has tokens keeps them until they end.</Text>,
      action: 'Switch off',
      run: () => write(false),
    });
  };
  return (
    <Table.Tr>
      <Table.Td style={{ overflowWrap: 'anywhere' }}>{name}</Table.Td>
      <Table.Td>{connection.strategy === 'auth0' ? 'Database' : connection.strategy}</Table.Td>
      <Table.Td>
        <Switch
          aria-label={`Users of ${name} may sign in`}
          checked={isOn}
          disabled={!isEditable || turn.isPending}
          onChange={(event) => change(event.currentTarget.checked)}
        />
      </Table.Td>
    </Table.Tr>
  );
}
