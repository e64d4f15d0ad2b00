import { Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';

import { Pager } from '~/components/pager.tsx';
import { Answer, Empty } from '~/components/states.tsx';
import { Table } from '~/components/table.tsx';
import { type Application, applicationsQuery, PER_PAGE } from '~/screens/applications/data.ts';

import { type Connection, connectionQuery } from './data.ts';
import { EnabledSwitch } from './enabled-switch.tsx';

const route = getRouteApi('/connections/$id/applications');

/** To which applications the users of a connection may sign in. */
export function ConnectionApplications() {
  const { id } = route.useParams();
  const { page = 0 } = route.useSearch();
  const navigate = route.useNavigate();
  const connection = useQuery(connectionQuery(id));
  const applications = useQuery(applicationsQuery(undefined, page));
  return (
    <div className="panel">
      <Text size="sm" c="dimmed" p="md">
        Its users may sign in to the applications that are switched on.
      </Text>
      <Answer query={connection}>
        {(one) => (
          <Answer query={applications}>
            {(data) =>
              data.applications.length === 0 ? (
                <Empty title="No application yet" text="Users sign in to applications." />
              ) : (
                <Rows connection={one} applications={data.applications} />
              )
            }
          </Answer>
        )}
      </Answer>
      {applications.data?.total === undefined ? null : (
        <Pager
          page={page}
          perPage={PER_PAGE}
          total={applications.data.total}
          onPage={(next) => void navigate({ search: next === 0 ? {} : { page: next } })}
        />
      )}
    </div>
  );
}

function Rows({ connection, applications }: { connection: Connection; applications: Application[] }) {
  return (
    <Table label="Applications">
      <Table.Head columns={['Application', 'Users may sign in']} />
      <Table.Tbody>
        {applications.map(({ client_id: clientId, name = clientId }) => (
          <Table.Tr key={clientId}>
            <Table.Td style={{ overflowWrap: 'anywhere' }}>{name}</Table.Td>
            <Table.Td>
              <EnabledSwitch connection={connection} clientId={clientId} label={`Users may sign in to ${name}`} />
            </Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  );
}
