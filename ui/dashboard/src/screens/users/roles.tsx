import { Button, Group, Text } from '@mantine/core';
import { useMutation, useQuery } from '@tanstack/react-query';
import { getRouteApi, Link } from '@tanstack/react-router';
import { useState } from 'react';

import { call, management } from '~/api/client.ts';
import { queryClient } from '~/api/queries.ts';
import { May, useMay } from '~/auth/session.tsx';
import { useConfirm } from '~/components/confirm.tsx';
import { done, failed } from '~/components/notify.ts';
import { Answer, Empty } from '~/components/states.tsx';
import { Table } from '~/components/table.tsx';
import { RoleSelect } from '~/screens/roles/role-select.tsx';

import { type HeldRole, rolesOfQuery } from './data.ts';

const route = getRouteApi('/users/$id/roles');

/** What somebody is in this tenant. */
export function UserRoles() {
  const { id } = route.useParams();
  const roles = useQuery(rolesOfQuery(id));
  return (
    <div className="panel">
      <Answer query={roles} rows={3}>
        {(held) => (
          <>
            <May scope={['update:users', 'create:role_members']}>
              <Give userId={id} held={held} />
            </May>
            {held.length === 0 ? (
              <Empty title="No role" text="A role gives permissions on APIs, to everybody who has it." />
            ) : (
              <Held userId={id} held={held} />
            )}
          </>
        )}
      </Answer>
    </div>
  );
}

function Held({ userId, held }: { userId: string; held: HeldRole[] }) {
  const confirm = useConfirm();
  const may = useMay();
  const take = (role: HeldRole) =>
    confirm({
      title: `Take ${role.name} away?`,
      effect: <Text size="sm">Tokens that are issued from now on carry what other roles and direct permissions give, and no more.</Text>,
      action: 'Take role away',
      run: async () => {
        await call(management.DELETE('/users/{id}/roles', { params: { path: { id: userId } }, body: { roles: [role.id] } }));
        await changed(userId);
        done(`${role.name} was taken away`);
      },
    });
  return (
    <Table cards label="Roles">
      <Table.Head columns={['Role', 'Description']} hasActions />
      <Table.Tbody>
        {held.map((role) => (
          <Table.Tr key={role.id}>
            <Table.Td>
              <Link className="plain-link" to="/roles/$id/permissions" params={{ id: role.id }}>
                {role.name}
              </Link>
            </Table.Td>
            <Table.Td>
              <Text size="sm" c="dimmed">
                {role.description}
              </Text>
            </Table.Td>
            <Table.Td style={{ textAlign: 'right' }}>
              {may('update:users', 'delete:role_members') ? (
                <Button size="compact-sm" variant="subtle" color="red" onClick={() => take(role)} aria-label={`Take away ${role.name}`}>
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

function Give({ userId, held }: { userId: string; held: HeldRole[] }) {
  const [chosen, setChosen] = useState<string[]>([]);
  const give = useMutation({
    mutationFn: () => call(management.POST('/users/{id}/roles', { params: { path: { id: userId } }, body: { roles: chosen } })),
    onSuccess: async () => {
      await changed(userId);
      done(chosen.length === 1 ? 'The role was given' : `${chosen.length} roles were given`);
      setChosen([]);
    },
    onError: (error) => failed(error),
  });
  return (
    <Group p="sm" gap="xs" align="flex-end">
      <RoleSelect
        label="Give roles"
        placeholder={chosen.length === 0 ? 'Choose roles' : ''}
        without={held.map(({ id }) => id)}
        value={chosen}
        onChange={setChosen}
        style={{ flex: '1 1 16rem' }}
        maw={480}
      />
      <Button disabled={chosen.length === 0} loading={give.isPending} onClick={() => give.mutate()}>
        Give
      </Button>
    </Group>
  );
}

async function changed(userId: string) {
  await queryClient.invalidateQueries({ queryKey: ['users', userId] });
  void queryClient.invalidateQueries({ queryKey: ['roles'] });
}
