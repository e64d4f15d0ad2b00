import { Button, Group, Text } from '@mantine/core';
import { useMutation, useQuery } from '@tanstack/react-query';
import { getRouteApi, Link } from '@tanstack/react-router';
import { useState } from 'react';

import { call, management } from '~/api/client.ts';
import { queryClient } from '~/api/queries.ts';
import { May, useMay } from '~/auth/session.tsx';
import { useConfirm } from '~/components/confirm.tsx';
import { MoreFound } from '~/components/more.tsx';
import { done, failed } from '~/components/notify.ts';
import { Pager } from '~/components/pager.tsx';
import { SearchField } from '~/components/search-field.tsx';
import { Answer, Empty } from '~/components/states.tsx';
import { Table } from '~/components/table.tsx';
import { useLooking, usePage } from '~/components/use-page.ts';
import { nameOf, type User } from '~/screens/users/data.ts';
import { UserPicker } from '~/screens/users/picker.tsx';

import { PER_PAGE, usersOfRoleQuery } from './data.ts';

const route = getRouteApi('/roles/$id/users');

/** Who has the role. */
export function RoleUsers() {
  const { id } = route.useParams();
  const [page, setPage] = usePage();
  const [q, look] = useLooking();
  const users = useQuery(usersOfRoleQuery(id, q, page));
  const mayFind = useMay()('read:users');
  return (
    <div className="panel">
      {mayFind ? (
        <May scope={['update:roles', 'create:role_members']}>
          <Give roleId={id} />
        </May>
      ) : null}
      {mayFind ? (
        <Group px="sm" pb="sm">
          <SearchField label="Search users of this role" value={q ?? ''} onChange={look} />
        </Group>
      ) : null}
      <Answer query={users} rows={3}>
        {(data) =>
          data.items.length === 0 ? (
            <Nothing isSearch={q !== undefined} />
          ) : (
            <>
              <Members roleId={id} users={data.items} />
              {data.hasMore ? <MoreFound /> : null}
              {data.total === undefined ? null : <Pager page={page} perPage={PER_PAGE} total={data.total} onPage={setPage} />}
            </>
          )
        }
      </Answer>
    </div>
  );
}

function Nothing({ isSearch }: { isSearch: boolean }) {
  if (isSearch) return <Empty title="No user of this role is called that" text="Names and addresses are found by their beginnings." />;
  return <Empty title="Nobody has it" text="Whoever gets the role gets its permissions with their next token." />;
}

function Give({ roleId }: { roleId: string }) {
  const [user, setUser] = useState<string>();
  const give = useMutation({
    mutationFn: (id: string) => call(management.POST('/roles/{id}/users', { params: { path: { id: roleId } }, body: { users: [id] } })),
    onSuccess: async () => {
      await changed();
      setUser(undefined);
      done('The role was given');
    },
    onError: (error) => failed(error),
  });
  return (
    <Group p="sm" gap="xs" align="flex-end">
      <UserPicker label="Give it to" value={user} onChange={setUser} />
      <Button disabled={user === undefined} loading={give.isPending} onClick={() => user !== undefined && give.mutate(user)}>
        Give role
      </Button>
    </Group>
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
