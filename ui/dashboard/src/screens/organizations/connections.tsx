import { Stack, Switch, Text } from '@mantine/core';
import { useMutation, useQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';

import { call, management } from '~/api/client.ts';
import { queryClient } from '~/api/queries.ts';
import { useMay } from '~/auth/session.tsx';
import { useConfirm } from '~/components/confirm.tsx';
import { done, failed } from '~/components/notify.ts';
import { Answer, Empty } from '~/components/states.tsx';
import { Table } from '~/components/table.tsx';
import { allConnectionsQuery, type Connection, databasesOf, nameOf } from '~/screens/connections/data.ts';

import { type EnabledConnection, enabledConnectionsQuery } from './data.ts';

const route = getRouteApi('/organizations/$id/connections');

/** From which databases members may sign in, and who becomes one by signing in. */
export function OrganizationConnections() {
  const { id } = route.useParams();
  const enabled = useQuery(enabledConnectionsQuery(id));
  const connections = useQuery({ ...allConnectionsQuery, select: databasesOf });
  return (
    <div className="panel">
      <Text size="sm" c="dimmed" p="md">
        Members sign in to the organization with the databases that are switched on.
      </Text>
      <Answer query={enabled} rows={2}>
        {(on) => (
          <Answer query={connections} rows={2}>
            {(all) =>
              all.length === 0 ? (
                <Empty title="No database yet" text="Without one, nobody can sign in. They are made under Connections." />
              ) : (
                <Table cards label="Connections">
                  <Table.Head columns={['Database', 'Members may sign in', 'Others']} />
                  <Table.Tbody>
                    {all.map((one) => (
                      <Row key={one.id} id={id} connection={one} enabled={on.find((each) => each.connection_id === one.id)} />
                    ))}
                  </Table.Tbody>
                </Table>
              )
            }
          </Answer>
        )}
      </Answer>
    </div>
  );
}

interface RowProps {
  id: string;
  connection: Connection;
  enabled: EnabledConnection | undefined;
}

function Row({ id, connection, enabled }: RowProps) {
  const confirm = useConfirm();
  const may = useMay();
  const name = nameOf(connection);
  const add = useMutation({
    mutationFn: () =>
      call(management.POST('/organizations/{id}/enabled_connections', { params: { path: { id } }, body: { connection_id: connection.id } })),
    onSuccess: async () => {
      await changed();
      done(`Members may sign in with ${name}`);
    },
    onError: (error) => failed(error),
  });
  const remove = () =>
    confirm({
      title: `Switch ${name} off here?`,
      effect: <Text size="sm">Members whose user is in {name} cannot sign in to this organization any more. They stay members.</Text>,
      action: 'Switch off',
      run: async () => {
        const path = { id, connectionId: connection.id };
        await call(management.DELETE('/organizations/{id}/enabled_connections/{connectionId}', { params: { path } }));
        await changed();
        done(`Members may not sign in with ${name} any more`);
      },
    });
  return (
    <Table.Tr>
      <Table.Td style={{ overflowWrap: 'anywhere' }}>{name}</Table.Td>
      <Table.Td>
        <Switch
          aria-label={`Members may sign in with ${name}`}
          label={<span className="card-label">Members may sign in</span>}
          checked={enabled !== undefined}
          disabled={add.isPending || !may(enabled ? 'delete:organization_connections' : 'create:organization_connections')}
          onChange={(event) => (event.currentTarget.checked ? add.mutate() : remove())}
        />
      </Table.Td>
      <Table.Td>{enabled ? <Strangers id={id} name={name} enabled={enabled} /> : null}</Table.Td>
    </Table.Tr>
  );
}

type Membership = Pick<EnabledConnection, 'assign_membership_on_login' | 'is_signup_enabled'>;

/** What becomes of users of the database who are no members. */
function Strangers({ id, name, enabled }: { id: string; name: string; enabled: EnabledConnection }) {
  const confirm = useConfirm();
  const isEditable = useMay()('update:organization_connections');
  const joins = enabled.assign_membership_on_login ?? false;
  const signsUp = enabled.is_signup_enabled ?? false;
  const write = async (body: Membership, said: string) => {
    const path = { id, connectionId: enabled.connection_id };
    await call(management.PATCH('/organizations/{id}/enabled_connections/{connectionId}', { params: { path }, body }));
    await changed();
    done(said);
  };
  const change = useMutation({ mutationFn: ({ body, said }: { body: Membership; said: string }) => write(body, said), onError: (error) => failed(error) });
  const setJoins = (next: boolean) => {
    if (!next) {
      // Signing up to the organization makes sense only for whoever becomes a member by it.
      return change.mutate({ body: { assign_membership_on_login: false, is_signup_enabled: false }, said: 'Only members may sign in now' });
    }
    return confirm({
      title: `Let everybody in ${name} join?`,
      effect: (
        <Text size="sm">
          Every user of {name} who signs in to this organization becomes a member of it, without an invitation. They have no role in it until
          somebody gives them one.
        </Text>
      ),
      action: 'Let them join',
      gives: true,
      run: () => write({ assign_membership_on_login: true }, `Users of ${name} become members when they sign in`),
    });
  };
  return (
    <Stack gap={6}>
      <span className="card-label">Users who are no members</span>
      <Switch
        size="sm"
        label="Become members by signing in"
        aria-label={`Users of ${name} become members by signing in`}
        checked={joins}
        disabled={!isEditable || change.isPending}
        onChange={(event) => setJoins(event.currentTarget.checked)}
      />
      <Switch
        size="sm"
        label="May sign up"
        aria-label={`Strangers may sign up to ${name} from this organization`}
        checked={signsUp}
        disabled={!isEditable || change.isPending || !joins}
        onChange={(event) => {
          const is_signup_enabled = event.currentTarget.checked;
          change.mutate({ body: { is_signup_enabled }, said: is_signup_enabled ? 'Strangers may sign up now' : 'Nobody may sign up any more' });
        }}
      />
    </Stack>
  );
}

function changed() {
  return queryClient.invalidateQueries({ queryKey: ['organizations'] });
}
