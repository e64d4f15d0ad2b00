import { Badge, Button, Group, Text } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { IconPlus } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi, Link } from '@tanstack/react-router';
import { lazy, type ReactNode, Suspense, useCallback } from 'react';

import { May } from '~/auth/session.tsx';
import { Code } from '~/components/code.tsx';
import { When } from '~/components/dates.tsx';
import { Page } from '~/components/page.tsx';
import { Pager } from '~/components/pager.tsx';
import { SearchField } from '~/components/search-field.tsx';
import { Answer, Empty } from '~/components/states.tsx';
import { Table } from '~/components/table.tsx';

import { nameOf, PER_PAGE, type User, usersQuery } from './data.ts';

const CreateUser = lazy(() => import('./create.tsx'));
const route = getRouteApi('/users/');
/** The API pages no further: whoever is not among them is searched for. */
const REACH = 1000;

export function UserList() {
  const { q, page = 0 } = route.useSearch();
  const navigate = route.useNavigate();
  const users = useQuery(usersQuery(q, page));
  const [isCreating, creating] = useDisclosure();
  const look = useCallback((text: string) => void navigate({ search: text === '' ? {} : { q: text }, replace: true }), [navigate]);
  const create = (
    <May scope="create:users">
      <Button leftSection={<IconPlus size={16} aria-hidden />} onClick={creating.open}>
        Create user
      </Button>
    </May>
  );
  return (
    <Page title="Users" lead="Who signs in. Roles and permissions say what tokens in their name may carry." actions={create}>
      <div className="panel">
        <Group p="sm" gap="sm">
          <SearchField label="Search users" value={q ?? ''} onChange={look} />
          <Text size="xs" c="dimmed">
            A name, an address, or a query: <Code>blocked:true</Code> <Code>app_metadata.plan:pro</Code>
          </Text>
        </Group>
        <Answer query={users}>{(data) => (data.users.length === 0 ? <Nothing q={q} action={create} /> : <Rows users={data.users} />)}</Answer>
        {users.data === undefined ? null : (
          <Pager
            page={page}
            perPage={PER_PAGE}
            total={users.data.total}
            reach={REACH}
            beyond="Search to find the others."
            onPage={(next) => void navigate({ search: { ...(q === undefined ? {} : { q }), ...(next === 0 ? {} : { page: next }) } })}
          />
        )}
      </div>
      <Suspense>{isCreating ? <CreateUser close={creating.close} /> : null}</Suspense>
    </Page>
  );
}

function Rows({ users }: { users: User[] }) {
  return (
    <Table cards label="Users">
      <Table.Head columns={['Name', 'Address', 'Connection', 'Last sign-in']} />
      <Table.Tbody>
        {users.map((user) => (
          <Table.Tr key={user.user_id}>
            <Table.Td>
              <Link className="row-link" to="/users/$id/profile" params={{ id: user.user_id }}>
                {nameOf(user)}
              </Link>
              {user.blocked ? (
                <Badge color="red" ml={8}>
                  Blocked
                </Badge>
              ) : null}
            </Table.Td>
            <Table.Td>
              <Text size="sm" c="dimmed" style={{ overflowWrap: 'anywhere' }}>
                {user.email ?? user.username ?? ''}
              </Text>
            </Table.Td>
            <Table.Td>
              <Text size="sm" style={{ overflowWrap: 'anywhere' }}>
                {user.identities?.map(({ connection }) => connection).join(', ')}
              </Text>
            </Table.Td>
            <Table.Td>
              <Text size="sm">
                <span className="card-label">Last sign-in: </span>
                <When at={user.last_login} />
              </Text>
            </Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  );
}

function Nothing({ q, action }: { q: string | undefined; action: ReactNode }) {
  if (q !== undefined) return <Empty title="Nobody is called that" text="Names and addresses are found by their beginnings." />;
  return <Empty title="No user yet" text="Users sign up by themselves where their connection allows it, or are made here." action={action} />;
}
