import { Badge, Button, Group, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';

import { call, callAs, management } from '~/api/client.ts';
import { queryClient } from '~/api/queries.ts';
import { May } from '~/auth/session.tsx';
import { CopyableCode } from '~/components/code.tsx';
import { useConfirm } from '~/components/confirm.tsx';
import { When } from '~/components/dates.tsx';
import { done } from '~/components/notify.ts';
import { Page } from '~/components/page.tsx';
import { Answer, Empty } from '~/components/states.tsx';
import { Table } from '~/components/table.tsx';

interface SigningKey {
  kid: string;
  fingerprint?: string;
  current?: boolean;
  next?: boolean;
  previous?: boolean;
  current_since?: string;
  rotated_at?: string;
  revoked?: boolean;
  revoked_at?: string;
}

/** What tokens are signed with: the key in use, the one that comes next, and those before. */
export function SigningKeys() {
  const confirm = useConfirm();
  const keys = useQuery({
    queryKey: ['signing-keys'],
    queryFn: () => callAs<SigningKey[]>(management.GET('/keys/signing')),
  });
  const rotate = () =>
    confirm({
      title: 'Rotate the signing keys?',
      effect: (
        <Text size="sm">
          New tokens are signed with the next key, which verifiers know already, and another is made to follow it, in every family (RSA, ES256, EdDSA). Tokens that were issued
          stay good: the key before stays in the key set until it is revoked. Nobody has to sign in anew.
        </Text>
      ),
      action: 'Rotate keys',
      gives: true,
      run: async () => {
        await call(management.POST('/keys/signing/rotate'));
        await queryClient.invalidateQueries({ queryKey: ['signing-keys'] });
        done('The next key signs now');
      },
    });
  return (
    <Page
      title="Signing keys"
      lead="What tokens are signed with, of the RSA family. Applications and APIs read the public halves at /.well-known/jwks.json."
      actions={
        <May scope="create:signing_keys">
          <Button onClick={rotate}>Rotate</Button>
        </May>
      }
    >
      <div className="panel">
        <Answer query={keys} rows={3}>
          {(all) => (all.length === 0 ? <Empty title="No key" text="The server makes one with its first token." /> : <Keys keys={all} />)}
        </Answer>
      </div>
    </Page>
  );
}

function Keys({ keys }: { keys: SigningKey[] }) {
  const confirm = useConfirm();
  const revoke = (key: SigningKey) =>
    confirm({
      title: 'Revoke this key?',
      effect: (
        <Text size="sm">
          {key.current ? 'The next key signs from now on. ' : ''}It leaves the key set: every token that was signed with it is refused, as soon as verifiers read the set anew. Whoever holds such
          a token has to get another; you, too, if yours is one of them. There is no way back.
        </Text>
      ),
      action: 'Revoke key',
      typed: key.kid,
      run: async () => {
        await call(management.PUT('/keys/signing/{kid}/revoke', { params: { path: { kid: key.kid } } }));
        await queryClient.invalidateQueries({ queryKey: ['signing-keys'] });
        done('The key was revoked');
      },
    });
  return (
    <Table cards label="Signing keys">
      <Table.Head columns={['Key', 'State', 'In use']} hasActions />
      <Table.Tbody>
        {keys.map((key) => (
          <Table.Tr key={key.kid}>
            <Table.Td>
              <CopyableCode value={key.kid} what="key id" />
            </Table.Td>
            <Table.Td>
              <State of={key} />
            </Table.Td>
            <Table.Td>
              <InUse of={key} />
            </Table.Td>
            <Table.Td style={{ textAlign: 'right' }}>
              {key.revoked ? null : (
                <May scope="update:signing_keys">
                  <Button size="compact-sm" variant="subtle" color="red" onClick={() => revoke(key)} aria-label={`Revoke ${key.kid}`}>
                    Revoke
                  </Button>
                </May>
              )}
            </Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  );
}

function State({ of: key }: { of: SigningKey }) {
  if (key.revoked) return <Badge color="red">Revoked</Badge>;
  if (key.current) return <Badge color="green">Signs now</Badge>;
  if (key.next) return <Badge>Comes next</Badge>;
  return <Badge color="gray">Verifies only</Badge>;
}

function InUse({ of: key }: { of: SigningKey }) {
  if (key.next) return <Text size="sm">not yet</Text>;
  return (
    <Group gap={4}>
      <Text size="sm">
        since <When at={key.current_since} none="the beginning" />
        {key.revoked ? (
          <>
            , revoked <When at={key.revoked_at} none="" />
          </>
        ) : key.rotated_at ? (
          <>
            , until <When at={key.rotated_at} />
          </>
        ) : null}
      </Text>
    </Group>
  );
}
