import { Badge, Button, Group, Text } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { IconMail } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { lazy, Suspense } from 'react';

import { call, management } from '~/api/client.ts';
import { queryClient } from '~/api/queries.ts';
import { May, useMay } from '~/auth/session.tsx';
import { Copy } from '~/components/code.tsx';
import { useConfirm } from '~/components/confirm.tsx';
import { When } from '~/components/dates.tsx';
import { done } from '~/components/notify.ts';
import { Pager } from '~/components/pager.tsx';
import { Answer, Empty } from '~/components/states.tsx';
import { Table } from '~/components/table.tsx';
import { usePage } from '~/components/use-page.ts';
import { useApplicationNames } from '~/screens/apis/grants.ts';
import { allConnectionsQuery, nameOf as connectionName } from '~/screens/connections/data.ts';
import { useRoleNames } from '~/screens/roles/data.ts';

import { type Invitation, invitationsQuery, PER_PAGE } from './data.ts';

const Invite = lazy(() => import('./invite.tsx'));
const route = getRouteApi('/organizations/$id/invitations');

/** Who was asked to join, and has not yet. */
export function OrganizationInvitations() {
  const { id } = route.useParams();
  const [page, setPage] = usePage();
  const invitations = useQuery(invitationsQuery(id, page));
  const [isInviting, inviting] = useDisclosure();
  const mayInvite = useMay()('read:clients');
  const invite = mayInvite ? (
    <May scope="create:organization_invitations">
      <Button leftSection={<IconMail size={16} aria-hidden />} onClick={inviting.open}>
        Invite somebody
      </Button>
    </May>
  ) : null;
  return (
    <div className="panel">
      <Answer query={invitations} rows={3}>
        {(data) =>
          data.invitations.length === 0 && page === 0 ? (
            <Empty
              title="Nobody is invited"
              text="Whoever is invited gets a link by mail, signs in or signs up with it, and is a member with the roles that you chose."
              action={invite}
            />
          ) : (
            <>
              <Group p="sm" justify="space-between">
                <Text size="sm" c="dimmed" maw={560}>
                  Invitations that were not taken. Each can be taken once, by whoever has the link, until it ends.
                </Text>
                {invite}
              </Group>
              <Rows id={id} invitations={data.invitations} />
              <Pager page={page} perPage={PER_PAGE} total={data.total} onPage={setPage} />
            </>
          )
        }
      </Answer>
      <Suspense>{isInviting ? <Invite organizationId={id} close={inviting.close} /> : null}</Suspense>
    </div>
  );
}

function Rows({ id, invitations }: { id: string; invitations: Invitation[] }) {
  const may = useMay();
  const applicationName = useApplicationNames(invitations.map(({ client_id: client }) => client));
  const roleName = useRoleNames(invitations.flatMap(({ roles }) => roles ?? []));
  const connections = useQuery({ ...allConnectionsQuery, enabled: may('read:connections') });
  const databaseName = (wanted: string) => {
    const found = connections.data?.find((one) => one.id === wanted);
    return found ? connectionName(found) : wanted;
  };
  return (
    <Table cards label="Invitations">
      <Table.Head columns={['Who', 'With', 'Roles', 'Sent', 'Ends']} hasActions />
      <Table.Tbody>
        {invitations.map((invitation) => (
          <Table.Tr key={invitation.id}>
            <Table.Td style={{ overflowWrap: 'anywhere' }}>
              {invitation.invitee.email}
              <Text size="xs" c="dimmed">
                by {invitation.inviter.name}
              </Text>
            </Table.Td>
            <Table.Td style={{ overflowWrap: 'anywhere' }}>
              {applicationName(invitation.client_id)}
              <Text size="xs" c="dimmed">
                {invitation.connection_id === undefined ? 'any database of the organization' : databaseName(invitation.connection_id)}
              </Text>
            </Table.Td>
            <Table.Td>{(invitation.roles ?? []).map(roleName).join(', ') || 'none'}</Table.Td>
            <Table.Td>
              <span className="card-label">Sent </span>
              <When at={invitation.created_at} />
            </Table.Td>
            <Table.Td>
              <Ends at={invitation.expires_at} />
            </Table.Td>
            <Table.Td style={{ textAlign: 'right' }}>
              <Actions id={id} invitation={invitation} />
            </Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  );
}

function Ends({ at }: { at: string }) {
  if (Date.parse(at) <= Date.now()) return <Badge color="gray">Ended</Badge>;
  return (
    <>
      <span className="card-label">Ends </span>
      <When at={at} />
    </>
  );
}

function Actions({ id, invitation }: { id: string; invitation: Invitation }) {
  const confirm = useConfirm();
  const { email } = invitation.invitee;
  const revoke = () =>
    confirm({
      title: `Revoke the invitation of ${email}?`,
      effect: <Text size="sm">The link that was sent is refused from now on. Nobody is told; you can invite them again.</Text>,
      action: 'Revoke invitation',
      run: async () => {
        const path = { id, invitation_id: invitation.id };
        await call(management.DELETE('/organizations/{id}/invitations/{invitation_id}', { params: { path } }));
        await queryClient.invalidateQueries({ queryKey: ['organizations', id, 'invitations'] });
        done('The invitation was revoked');
      },
    });
  return (
    <Group gap={4} wrap="nowrap" justify="flex-end">
      <Copy value={invitation.invitation_url} what={`link for ${email}`} />
      <May scope="delete:organization_invitations">
        <Button size="compact-sm" variant="subtle" color="red" onClick={revoke} aria-label={`Revoke the invitation of ${email}`}>
          Revoke
        </Button>
      </May>
    </Group>
  );
}
