import { Button, Group, Text } from '@mantine/core';
import { getRouteApi } from '@tanstack/react-router';

import { call, management } from '~/api/client.ts';
import { useGrowing } from '~/api/pages.ts';
import { queryClient } from '~/api/queries.ts';
import { May } from '~/auth/session.tsx';
import { Code } from '~/components/code.tsx';
import { useConfirm } from '~/components/confirm.tsx';
import { More } from '~/components/more.tsx';
import { done } from '~/components/notify.ts';
import { Answer, Empty } from '~/components/states.tsx';
import { Table } from '~/components/table.tsx';
import { useApplicationNames } from '~/screens/apis/grants.ts';

import { type Consent, readConsents } from './data.ts';

const route = getRouteApi('/users/$id/consents');

/** What they allowed applications. */
export function UserConsents() {
  const { id } = route.useParams();
  const consents = useGrowing(['users', id, 'consents'], (from) => readConsents(id, from));
  const applicationName = useApplicationNames((consents.data ?? []).map(({ clientID }) => clientID));
  const confirm = useConfirm();
  const withdraw = (consent: Consent, name: string) =>
    confirm({
      title: `Withdraw what ${name} was allowed?`,
      effect: <Text size="sm">They are asked again when they next sign in to it, and the refresh tokens that hang on this consent end.</Text>,
      action: 'Withdraw consent',
      run: async () => {
        await call(management.DELETE('/grants/{id}', { params: { path: { id: consent.id } } }));
        await queryClient.invalidateQueries({ queryKey: ['users', id] });
        done('The consent was withdrawn');
      },
    });
  return (
    <div className="panel">
      <Answer query={consents} rows={3}>
        {(all) =>
          all.length === 0 ? (
            <Empty title="Nothing allowed yet" text="When an application asks them for access and they accept, it stands here." />
          ) : (
            <Table cards label="Consents">
              <Table.Head columns={['Application', 'API', 'Scopes']} hasActions />
              <Table.Tbody>
                {all.map((consent) => {
                  const name = applicationName(consent.clientID);
                  return (
                    <Table.Tr key={consent.id}>
                      <Table.Td>{name}</Table.Td>
                      <Table.Td style={{ overflowWrap: 'anywhere' }}>{consent.audience}</Table.Td>
                      <Table.Td>
                        <Group gap={6}>
                          {consent.scope.length === 0 ? <Text size="sm" c="dimmed">no scope of the API</Text> : null}
                          {consent.scope.map((scope) => (
                            <Code key={scope}>{scope}</Code>
                          ))}
                        </Group>
                      </Table.Td>
                      <Table.Td style={{ textAlign: 'right' }}>
                        <May scope="delete:grants">
                          <Button size="compact-sm" variant="subtle" color="red" onClick={() => withdraw(consent, name)} aria-label={`Withdraw what ${name} was allowed`}>
                            Withdraw
                          </Button>
                        </May>
                      </Table.Td>
                    </Table.Tr>
                  );
                })}
              </Table.Tbody>
            </Table>
          )
        }
      </Answer>
      <More list={consents} />
    </div>
  );
}
