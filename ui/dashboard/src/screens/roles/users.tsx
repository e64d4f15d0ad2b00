import { Button, Text } from '@mantine/core';
import { getRouteApi, Link } from '@tanstack/react-router';

import { call, management } from '~/api/client.ts';
import { queryClient } from '~/api/queries.ts';
import { May, useMay } from '~/auth/session.tsx';
import { useConfirm } from '~/components/confirm.tsx';
import { done } from '~/components/notify.ts';
import { SearchedList } from '~/components/searched-list.tsx';
import { Empty } from '~/components/states.tsx';
import { Table } from '~/components/table.tsx';
import { AddUser } from '~/screens/users/add.tsx';
import { nameOf, type User } from '~/screens/users/data.ts';

import { PER_PAGE, usersOfRoleQuery } from './data.ts';

const route = getRouteApi('/roles/$id/users');

/** Who has the role. */
export function RoleUsers() {
  const { id } = route.useParams();
  const mayFind = useMay()('read:users');
  const give = async (user: string) => {
    await call(management.POST('/roles/{id}/users', { params: { path: { id } }, body: { users: [user] } }));
    await changed();
  };
  return (
    <div className="panel">
      {mayFind ? (
        <May scope={['update:roles', 'create:role_members']}>
          <AddUser label="Give it to" action="Give role" add={give} said="The role was given" />
        </May>
      ) : null}
      <SearchedList
        query={(q, page) => usersOfRoleQuery(id, q, page)}
        perPage={PER_PAGE}
        label={mayFind ? 'Search users of this role' : undefined}
        empty={<Empty title="Nobody has it" text="Whoever gets the role gets its permissions with their next token." />}
        notFound={<Empty title="No user of this role is called that" text="Names and addresses are found by their beginnings." />}
      >
        {(users) => <Members roleId={id} users={users} />}
      </SearchedList>
    </div>
  );
}

function Members({ roleId, users }: { roleId: string; users: User[] }) {
  const confirm = useConfirm();
  const may = useMay();
  const take = (user: User) =>
    confirm({
      title: `Take the role from ${nameOf(user)}?`,
      effect: <Text size="sm">Tokens that are issued to them from now on carry what other roles and direct permissions give, and no more.</Text>,
      action: 'Take role away',
      run: async () => {
        await call(management.DELETE('/users/{id}/roles', { params: { path: { id: user.user_id } }, body: { roles: [roleId] } }));
        await changed();
        done('The role was taken away');
      },
    });
  return (
    <Table cards label="Users">
      <Table.Head columns={['Name', 'Address']} hasActions />
      <Table.Tbody>
        {users.map((user) => (
          <Table.Tr key={user.user_id}>
            <Table.Td>
              <Link className="plain-link" to="/users/$id/roles" params={{ id: user.user_id }}>
                {nameOf(user)}
              </Link>
            </Table.Td>
            <Table.Td>
              <Text size="sm" c="dimmed" style={{ overflowWrap: 'anywhere' }}>
                {user.email}
              </Text>
            </Table.Td>
            <Table.Td style={{ textAlign: 'right' }}>
              {may('update:users', 'delete:role_members') ? (
                <Button size="compact-sm" variant="subtle" color="red" onClick={() => take(user)} aria-label={`Take away from ${nameOf(user)}`}>
                  Take away
                </Button>
              ) : null}
            </Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  );
}

async function changed() {
  await queryClient.invalidateQueries({ queryKey: ['roles'] });
  void queryClient.invalidateQueries({ queryKey: ['users'] });
}
