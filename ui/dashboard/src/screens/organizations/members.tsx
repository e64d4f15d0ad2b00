import { Button, Text } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { getRouteApi, Link } from '@tanstack/react-router';

import { call, management } from '~/api/client.ts';
import { queryClient } from '~/api/queries.ts';
import { May, useMay } from '~/auth/session.tsx';
import { useConfirm } from '~/components/confirm.tsx';
import { firstName } from '~/components/names.ts';
import { done, failed } from '~/components/notify.ts';
import { SearchedList } from '~/components/searched-list.tsx';
import { Empty } from '~/components/states.tsx';
import { Table } from '~/components/table.tsx';
import { RoleSelect } from '~/screens/roles/role-select.tsx';
import { AddUser } from '~/screens/users/add.tsx';

import { type Member, membersQuery, PER_PAGE } from './data.ts';

const route = getRouteApi('/organizations/$id/members');

/** Who belongs to the organization, with which roles in it. */
export function OrganizationMembers() {
  const { id } = route.useParams();
  const mayFind = useMay()('read:users');
  const add = async (member: string) => {
    await call(management.POST('/organizations/{id}/members', { params: { path: { id } }, body: { members: [member] } }));
    await changed();
  };
  return (
    <div className="panel">
      {mayFind ? (
        <May scope="create:organization_members">
          <AddUser label="User" action="Add member" add={add} said="The member was added" />
        </May>
      ) : null}
      <SearchedList
        query={(q, page) => membersQuery(id, q, page)}
        perPage={PER_PAGE}
        label="Search members"
        empty={<Empty title="Nobody belongs to it" text="Members sign in to it, with the roles that they have in it." />}
        notFound={<Empty title="No member is called that" text="Names and addresses are found by their beginnings." />}
      >
        {(members) => <Rows id={id} members={members} />}
      </SearchedList>
    </div>
  );
}

function Rows({ id, members }: { id: string; members: Member[] }) {
  const confirm = useConfirm();
  const may = useMay();
  const remove = (member: Member) =>
    confirm({
      title: `Remove ${nameOf(member)}?`,
      effect: <Text size="sm">They cannot sign in to the organization any more, and lose their roles in it. The user stays.</Text>,
      action: 'Remove member',
      run: async () => {
        await call(management.DELETE('/organizations/{id}/members', { params: { path: { id } }, body: { members: [member.user_id] } }));
        await changed();
        done('The member was removed');
      },
    });
  return (
    <Table cards label="Members">
      <Table.Head columns={['Name', 'Roles here']} hasActions />
      <Table.Tbody>
        {members.map((member) => (
          <Table.Tr key={member.user_id}>
            <Table.Td style={{ overflowWrap: 'anywhere' }}>
              {may('read:users') ? (
                <Link className="plain-link" to="/users/$id/profile" params={{ id: member.user_id }}>
                  {nameOf(member)}
                </Link>
              ) : (
                nameOf(member)
              )}
            </Table.Td>
            <Table.Td>
              <Roles id={id} member={member} />
            </Table.Td>
            <Table.Td style={{ textAlign: 'right' }}>
              {may('delete:organization_members') ? (
                <Button size="compact-sm" variant="subtle" color="red" onClick={() => remove(member)} aria-label={`Remove ${nameOf(member)}`}>
                  Remove
                </Button>
              ) : null}
            </Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  );
}

function Roles({ id, member }: { id: string; member: Member }) {
  const confirm = useConfirm();
  const may = useMay();
  const held = member.roles ?? [];
  const params = { path: { id, user_id: member.user_id } };
  const give = useMutation({
    mutationFn: (roles: string[]) => call(management.POST('/organizations/{id}/members/{user_id}/roles', { params, body: { roles } })),
    onSuccess: async () => {
      await changed();
      done('The role was given');
    },
    onError: (error) => failed(error),
  });
  const take = (roles: string[]) =>
    confirm({
      title: `Take roles from ${nameOf(member)}?`,
      effect: <Text size="sm">Tokens that are issued to them in this organization from now on are without: {held.filter((role) => roles.includes(role.id)).map((role) => role.name).join(', ')}.</Text>,
      action: 'Take away',
      run: async () => {
        await call(management.DELETE('/organizations/{id}/members/{user_id}/roles', { params, body: { roles } }));
        await changed();
        done('The role was taken away');
      },
    });
  return (
    <RoleSelect
      aria-label={`Roles of ${nameOf(member)}`}
      disabled={give.isPending || !may('create:organization_member_roles') || !may('delete:organization_member_roles')}
      known={held}
      value={held.map((role) => role.id)}
      onChange={(next) => {
        const added = next.filter((role) => !held.some((one) => one.id === role));
        const gone = held.map((role) => role.id).filter((role) => !next.includes(role));
        if (added.length > 0) give.mutate(added);
        else if (gone.length > 0) take(gone);
      }}
    />
  );
}

function nameOf(member: Member): string {
  return firstName(member.name, member.email, member.user_id);
}

async function changed() {
  await queryClient.invalidateQueries({ queryKey: ['organizations'] });
}
