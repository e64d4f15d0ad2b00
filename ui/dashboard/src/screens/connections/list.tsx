import { Button, Group } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { IconPlus } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi, Link } from '@tanstack/react-router';
import { lazy, Suspense, useCallback } from 'react';

import { May } from '~/auth/session.tsx';
import { Code } from '~/components/code.tsx';
import { Page } from '~/components/page.tsx';
import { Pager } from '~/components/pager.tsx';
import { SearchField } from '~/components/search-field.tsx';
import { Answer, Empty } from '~/components/states.tsx';
import { Table } from '~/components/table.tsx';

import { allConnectionsQuery, type Connection, databasesOf, nameOf, PER_PAGE } from './data.ts';

const CreateConnection = lazy(() => import('./create.tsx'));
const route = getRouteApi('/connections/');

export function ConnectionList() {
  const { q, page = 0 } = route.useSearch();
  const navigate = route.useNavigate();
  const connections = useQuery({ ...allConnectionsQuery, select: databasesOf });
  const words = (q ?? '').trim().toLowerCase();
  const found = (connections.data ?? []).filter((one) => `${one.name} ${one.display_name ?? ''}`.toLowerCase().includes(words));
  const look = useCallback((text: string) => void navigate({ search: text === '' ? {} : { q: text }, replace: true }), [navigate]);
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
        <Group p="sm">
          <SearchField label="Search connections" value={q ?? ''} onChange={look} />
        </Group>
        <Answer query={connections}>
          {(all) =>
            all.length === 0 ? (
              <Empty title="No database yet" text="Without one, nobody can sign in." action={create} />
            ) : found.length === 0 ? (
              <Empty title="No connection is called that" text="Connections are found by any part of their names." />
            ) : (
              <Rows connections={found.slice(page * PER_PAGE, (page + 1) * PER_PAGE)} />
            )
          }
        </Answer>
        <Pager
          page={page}
          perPage={PER_PAGE}
          total={found.length}
          onPage={(next) => void navigate({ search: { ...(q === undefined ? {} : { q }), ...(next === 0 ? {} : { page: next }) } })}
        />
      </div>
      <Suspense>{isCreating ? <CreateConnection close={creating.close} /> : null}</Suspense>
    </Page>
  );
}

function Rows({ connections }: { connections: Connection[] }) {
  return (
    <Table cards label="Connections">
      <Table.Head columns={['Name', 'In requests', 'Applications']} />
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
