import { Button, Stack, Text, Title } from '@mantine/core';
import { getRouteApi } from '@tanstack/react-router';

import { call, management } from '~/api/client.ts';
import { useGrowing } from '~/api/pages.ts';
import { queryClient } from '~/api/queries.ts';
import { May } from '~/auth/session.tsx';
import { useConfirm } from '~/components/confirm.tsx';
import { When } from '~/components/dates.tsx';
import { More } from '~/components/more.tsx';
import { done } from '~/components/notify.ts';
import { Answer, Empty } from '~/components/states.tsx';
import { Table } from '~/components/table.tsx';
import { useApplicationNames } from '~/screens/apis/grants.ts';

import { readRefreshTokens, readSessions, type Refreshing, type SignedIn } from './data.ts';

const route = getRouteApi('/users/$id/sessions');

/** Where somebody is signed in, and what goes on without them. */
export function UserSessions() {
  const { id } = route.useParams();
  return (
    <Stack gap="lg">
      <May scope="read:sessions">
        <Sessions userId={id} />
      </May>
      <May scope="read:refresh_tokens">
        <RefreshTokens userId={id} />
      </May>
    </Stack>
  );
}

function Sessions({ userId }: { userId: string }) {
  const sessions = useGrowing(['users', userId, 'sessions'], (from) => readSessions(userId, from));
  const applicationName = useApplicationNames((sessions.data ?? []).flatMap(({ clients }) => clients?.map((one) => one.client_id) ?? []));
  const confirm = useConfirm();
  const end = (session: SignedIn) =>
    confirm({
      title: 'End this session?',
      effect: <Text size="sm">In that browser they must sign in anew, and the refresh tokens that came from this session end with it.</Text>,
      action: 'End session',
      run: async () => {
        await call(management.POST('/sessions/{id}/revoke', { params: { path: { id: session.id } } }));
        await queryClient.invalidateQueries({ queryKey: ['users', userId] });
        done('The session was ended');
      },
    });
  return (
    <section className="panel" aria-labelledby="sessions">
      <Title order={2} id="sessions" p="md">
        Sessions
      </Title>
      <Answer query={sessions} rows={3}>
        {(data) =>
          data.length === 0 ? (
            <Empty title="Signed in nowhere" text="A session begins when they sign in with a browser." />
          ) : (
            <Table cards label="Sessions">
              <Table.Head columns={['Browser', 'Applications', 'Signed in', 'Last used']} hasActions />
              <Table.Tbody>
                {data.map((session) => (
                  <Table.Tr key={session.id}>
                    <Table.Td>
                      <Text size="sm" lineClamp={2} maw={260}>
                        {session.device?.last_user_agent || 'not known'}
                      </Text>
                      <Text size="xs" c="dimmed">
                        {session.device?.last_ip ?? session.device?.initial_ip}
                      </Text>
                    </Table.Td>
                    <Table.Td>{session.clients?.map((one) => applicationName(one.client_id)).join(', ')}</Table.Td>
                    <Table.Td>
                      <span className="card-label">Signed in </span>
                      <When at={session.authenticated_at ?? session.created_at} />
                    </Table.Td>
                    <Table.Td>
                      <span className="card-label">Last used </span>
                      <When at={session.last_interacted_at} />
                    </Table.Td>
                    <Table.Td style={{ textAlign: 'right' }}>
                      <May scope={['delete:sessions']}>
                        <Button size="compact-sm" variant="subtle" color="red" onClick={() => end(session)}>
                          End
                        </Button>
                      </May>
                    </Table.Td>
                  </Table.Tr>
                ))}
              </Table.Tbody>
            </Table>
          )
        }
      </Answer>
      <More list={sessions} />
    </section>
  );
}

function RefreshTokens({ userId }: { userId: string }) {
  const tokens = useGrowing(['users', userId, 'refresh-tokens'], (from) => readRefreshTokens(userId, from));
  const applicationName = useApplicationNames((tokens.data ?? []).flatMap(({ client_id: id }) => id ?? []));
  const nameOf = ({ client_id: id = '' }: Refreshing) => applicationName(id);
  const confirm = useConfirm();
  const revoke = (token: Refreshing) =>
    confirm({
      title: 'Revoke this refresh token?',
      effect: <Text size="sm">{nameOf(token)} cannot go on without them. The access token that it has stays good until it ends.</Text>,
      action: 'Revoke refresh token',
      run: async () => {
        await call(management.DELETE('/refresh-tokens/{id}', { params: { path: { id: token.id } } }));
        await queryClient.invalidateQueries({ queryKey: ['users', userId] });
        done('The refresh token was revoked');
      },
    });
  return (
    <section className="panel" aria-labelledby="refresh-tokens">
      <Title order={2} id="refresh-tokens" p="md">
        Refresh tokens
      </Title>
      <Answer query={tokens} rows={3}>
        {(data) =>
          data.length === 0 ? (
            <Empty title="No refresh token" text="An application gets one when it asks for offline_access and the API allows it." />
          ) : (
            <Table cards label="Refresh tokens">
              <Table.Head columns={['Application', 'For', 'Last used', 'Ends']} hasActions />
              <Table.Tbody>
                {data.map((token) => (
                  <Table.Tr key={token.id}>
                    <Table.Td>{nameOf(token)}</Table.Td>
                    <Table.Td style={{ overflowWrap: 'anywhere' }}>
                      {token.resource_servers?.map(({ audience, scopes }) => `${audience} (${scopes ?? ''})`).join(', ')}
                    </Table.Td>
                    <Table.Td>
                      <span className="card-label">Last used </span>
                      <When at={token.last_exchanged_at ?? token.created_at} />
                    </Table.Td>
                    <Table.Td>
                      <span className="card-label">Ends </span>
                      <When at={token.expires_at} />
                    </Table.Td>
                    <Table.Td style={{ textAlign: 'right' }}>
                      <May scope="delete:refresh_tokens">
                        <Button size="compact-sm" variant="subtle" color="red" onClick={() => revoke(token)}>
                          Revoke
                        </Button>
                      </May>
                    </Table.Td>
                  </Table.Tr>
                ))}
              </Table.Tbody>
            </Table>
          )
        }
      </Answer>
      <More list={tokens} />
    </section>
  );
}
