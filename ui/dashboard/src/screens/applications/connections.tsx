import { Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';

import { Answer, Empty } from '~/components/states.tsx';
import { Table } from '~/components/table.tsx';
import { allConnectionsQuery, type Connection, nameOf } from '~/screens/connections/data.ts';
import { EnabledSwitch } from '~/screens/connections/enabled-switch.tsx';

const route = getRouteApi('/applications/$id/connections');

/** Whose users may sign in to the application. */
export function ApplicationConnections() {
  const { id } = route.useParams();
  const connections = useQuery(allConnectionsQuery);
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
            <Table cards label="Connections">
              <Table.Head columns={['Connection', 'Kind', 'Users may sign in']} />
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
  const name = nameOf(connection);
  return (
    <Table.Tr>
      <Table.Td style={{ overflowWrap: 'anywhere' }}>{name}</Table.Td>
      <Table.Td>{connection.strategy === 'auth0' ? 'Database' : connection.strategy}</Table.Td>
      <Table.Td>
        <span className="card-label">Users may sign in</span>
        <EnabledSwitch connection={connection} clientId={clientId} label={`Users of ${name} may sign in`} />
      </Table.Td>
    </Table.Tr>
  );
}
