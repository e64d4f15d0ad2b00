import { Button } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { IconPlus } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi, Link } from '@tanstack/react-router';
import { lazy, Suspense } from 'react';

import { May } from '~/auth/session.tsx';
import { Code } from '~/components/code.tsx';
import { Page } from '~/components/page.tsx';
import { Pager } from '~/components/pager.tsx';
import { Answer, Empty } from '~/components/states.tsx';
import { Table } from '~/components/table.tsx';

import { type Connection, connectionsQuery, nameOf, PER_PAGE } from './data.ts';

const CreateConnection = lazy(() => import('./create.tsx'));
const route = getRouteApi('/connections/');

export function ConnectionList() {
  const { page = 0 } = route.useSearch();
  const navigate = route.useNavigate();
  const connections = useQuery(connectionsQuery(page));
  const [isCreating, creating] = useDisclosure();
  const create = (
    <May scope="create:connections">
      <Button leftSection={<IconPlus size={16} aria-hidden />} onClick={creating.open}>
        Create database
      </Button>
    </May>
  );
  return (
    <Page title="Connections" lead="Databases of users. Each has its own users, and its own rules for their passwords." actions={create}>
      <div className="panel">
        <Answer query={connections}>
          {(data) =>
            data.connections.length === 0 ? (
              <Empty title="No database yet" text="Without one, nobody can sign in." action={create} />
            ) : (
              <Rows connections={data.connections} />
            )
          }
        </Answer>
        {connections.data === undefined ? null : (
          <Pager
            page={page}
            perPage={PER_PAGE}
            total={connections.data.total}
            onPage={(next) => void navigate({ search: next === 0 ? {} : { page: next } })}
          />
        )}
      </div>
      <Suspense>{isCreating ? <CreateConnection close={creating.close} /> : null}</Suspense>
    </Page>
  );
}

function Rows({ connections }: { connections: Connection[] }) {
  return (
    <Table cards label="Connections">
      <Table.Thead>
        <Table.Tr>
          <Table.Th>Name</Table.Th>
          <Table.Th>In requests</Table.Th>
          <Table.Th>Applications</Table.Th>
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {connections.map((connection) => {
          const count = connection.enabled_clients?.length ?? 0;
          return (
            <Table.Tr key={connection.id}>
              <Table.Td>
                <Link className="row-link" to="/connections/$id/settings" params={{ id: connection.id }}>
                  {nameOf(connection)}
                </Link>
              </Table.Td>
              <Table.Td>
                <Code>{connection.name}</Code>
              </Table.Td>
              <Table.Td>{count === 1 ? '1 application' : `${count} applications`}</Table.Td>
            </Table.Tr>
          );
        })}
      </Table.Tbody>
    </Table>
  );
}
