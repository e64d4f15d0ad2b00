import { Button, Group, Select, Text, Textarea, TextInput } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { useMutation, useQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { useState } from 'react';

import { call, callAs, management } from '~/api/client.ts';
import { queryClient } from '~/api/queries.ts';
import { May, useMay } from '~/auth/session.tsx';
import { Code, CodeBlock, CopyableCode } from '~/components/code.tsx';
import { useConfirm } from '~/components/confirm.tsx';
import { When } from '~/components/dates.tsx';
import { Fact } from '~/components/fields.tsx';
import { FormDialog } from '~/components/form-dialog.tsx';
import { FormSection } from '~/components/form.tsx';
import { done, failed } from '~/components/notify.ts';
import { Answer } from '~/components/states.tsx';
import { Table } from '~/components/table.tsx';

import { type Application, applicationQuery, type Credential, credentialsQuery, readSecret, updateApplication } from './data.ts';
import { AUTHENTICATION } from './options.ts';

const route = getRouteApi('/applications/$id/credentials');

/** How an application proves that it is itself. */
export function ApplicationCredentials() {
  const { id } = route.useParams();
  return (
    <Answer query={useQuery(applicationQuery(id))}>
      {(application) => (
        <div className="panel">
          <FormSection title="Authentication" text="How it proves to the token endpoint that it is itself.">
            <Method application={application} />
            <Fact label="Client id" text="It is no secret.">
              <CopyableCode value={application.client_id} what="client id" />
            </Fact>
          </FormSection>
          <FormSection title="Secret" text="Shown when asked for, and kept nowhere in this browser.">
            <Secret key={application.client_id} application={application} />
          </FormSection>
          <May scope="read:client_credentials">
            <FormSection title="Keys" text="Public keys of the application. It signs with the private one, which never leaves it.">
              <Keys application={application} />
            </FormSection>
          </May>
        </div>
      )}
    </Answer>
  );
}

function methodOf(application: Application): string {
  if (application.client_authentication_methods?.private_key_jwt) return 'private_key_jwt';
  return application.token_endpoint_auth_method ?? 'client_secret_basic';
}

function Method({ application }: { application: Application }) {
  const isAllowed = useMay()('update:clients', 'update:client_credentials');
  const mayReadKeys = useMay()('read:client_credentials');
  const confirm = useConfirm();
  const keys = useQuery({ ...credentialsQuery(application.client_id), enabled: mayReadKeys });
  const signingKeys = (keys.data ?? []).filter(({ credential_type: type }) => type === 'public_key');
  const now = methodOf(application);
  const choose = (method: string | null) => {
    if (method === null || method === now) return;
    const label = AUTHENTICATION.find(({ value }) => value === method)?.label ?? method;
    confirm({
      title: 'Change how it authenticates?',
      effect: (
        <Text size="sm">
          From now on the application authenticates so: {lowerFirst(label)}. Calls that it makes as before are refused, until it is changed too.
        </Text>
      ),
      action: 'Change authentication',
      run: async () => {
        const patch =
          method === 'private_key_jwt'
            ? { client_authentication_methods: { private_key_jwt: { credentials: signingKeys.map(({ id }) => ({ id })) } } }
            : { token_endpoint_auth_method: method, ...(now === 'private_key_jwt' ? { client_authentication_methods: null } : {}) };
        await updateApplication(application.client_id, patch);
        done('The authentication was changed');
      },
    });
  };
  return (
    <Select
      label="Authentication"
      description={signingKeys.length === 0 && now !== 'private_key_jwt' ? 'To authenticate with a key, add one below first.' : undefined}
      disabled={!isAllowed}
      allowDeselect={false}
      data={AUTHENTICATION.map(({ value, label }) => ({
        value,
        label,
        disabled: value === 'private_key_jwt' && now !== value && signingKeys.length === 0,
      }))}
      value={now}
      onChange={choose}
    />
  );
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}

function Secret({ application }: { application: Application }) {
  const may = useMay();
  const confirm = useConfirm();
  const [secret, setSecret] = useState<string>();
  const { client_id: id } = application;
  const show = useMutation({
    gcTime: 0,
    mutationFn: () => readSecret(id),
    onSuccess: (text) => setSecret(text ?? ''),
    onError: (error) => failed(error),
  });
  const rotate = () =>
    confirm({
      title: 'Rotate the secret?',
      effect: (
        <Text size="sm">
          There is a new secret at once, and the old one is refused: <b>{application.name ?? id}</b> gets no tokens until it has the new one.
          Tokens that it has stay good.
        </Text>
      ),
      action: 'Rotate secret',
      run: async () => {
        const { client_secret: fresh } = await callAs<{ client_secret?: string }>(
          management.POST('/clients/{id}/rotate-secret', { params: { path: { id } } }),
        );
        setSecret(fresh);
        done('There is a new secret');
      },
    });
  const isUnused = methodOf(application) === 'none' || methodOf(application) === 'private_key_jwt';
  return (
    <>
      {isUnused ? <Text size="sm">It is not used: the application authenticates otherwise.</Text> : null}
      {secret === undefined ? null : <CodeBlock text={secret} what="client secret" wrap />}
      {may('read:client_keys', 'update:client_keys') ? (
        <Group gap="xs">
          {secret === undefined ? (
            <May scope="read:client_keys">
              <Button variant="default" onClick={() => show.mutate()} loading={show.isPending}>
                Show secret
              </Button>
            </May>
          ) : (
            <Button variant="default" onClick={() => setSecret(undefined)}>
              Hide secret
            </Button>
          )}
          <May scope="update:client_keys">
            <Button variant="light" color="red" onClick={rotate}>
              Rotate secret
            </Button>
          </May>
        </Group>
      ) : (
        <Text size="sm" c="dimmed">
          To see it takes read:client_keys.
        </Text>
      )}
    </>
  );
}

function Keys({ application }: { application: Application }) {
  const keys = useQuery(credentialsQuery(application.client_id));
  const [isAdding, adding] = useDisclosure();
  return (
    <>
      <Answer query={keys} rows={2}>
        {(all) => (all.length === 0 ? <Text size="sm">No keys yet.</Text> : <KeyTable application={application} keys={all} />)}
      </Answer>
      <May scope="create:client_credentials">
        <div>
          <Button variant="default" onClick={adding.open}>
            Add key
          </Button>
        </div>
      </May>
      {isAdding ? <AddKey clientId={application.client_id} close={adding.close} /> : null}
    </>
  );
}

function KeyTable({ application, keys }: { application: Application; keys: Credential[] }) {
  const confirm = useConfirm();
  const remove = (key: Credential) =>
    confirm({
      title: `Remove ${key.name ?? key.kid ?? 'this key'}?`,
      effect: <Text size="sm">What the application signs with it is refused from now on.</Text>,
      action: 'Remove key',
      run: async () => {
        const path = { client_id: application.client_id, credential_id: key.id };
        await call(management.DELETE('/clients/{client_id}/credentials/{credential_id}', { params: { path } }));
        await queryClient.invalidateQueries({ queryKey: ['clients', application.client_id] });
        done('The key was removed');
      },
    });
  return (
    <Table cards label="Keys">
      <Table.Head columns={['Name', 'Key', 'Ends']} hasActions />
      <Table.Tbody>
        {keys.map((key) => (
          <Table.Tr key={key.id}>
            <Table.Td>{key.name ?? key.credential_type.replaceAll('_', ' ')}</Table.Td>
            <Table.Td>
              <Code>{key.kid ?? key.id}</Code> {key.alg}
            </Table.Td>
            <Table.Td>
              <When at={key.expires_at} />
            </Table.Td>
            <Table.Td>
              <May scope="delete:client_credentials">
                <Button size="compact-sm" variant="subtle" color="red" onClick={() => remove(key)}>
                  Remove
                </Button>
              </May>
            </Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  );
}

type Algorithm = 'RS256' | 'RS384' | 'PS256';

function AddKey({ clientId, close }: { clientId: string; close: () => void }) {
  const [name, setName] = useState('');
  const [pem, setPem] = useState('');
  const [alg, setAlg] = useState<Algorithm>('RS256');
  const add = useMutation({
    mutationFn: () =>
      callAs(
        management.POST('/clients/{client_id}/credentials', {
          params: { path: { client_id: clientId } },
          body: { credential_type: 'public_key', pem, alg, ...(name.trim() === '' ? {} : { name: name.trim() }) },
        }),
      ),
    onSuccess: async () => {
      await queryClient.invalidateQueries({ queryKey: ['clients', clientId] });
      done('The key was added');
      close();
    },
  });
  return (
    <FormDialog
      title="Add key"
      action="Add key"
      isBusy={add.isPending}
      error={add.error?.message}
      close={close}
      submit={() => add.mutate()}
    >
      <TextInput label="Name" description="To know it by." maxLength={128} value={name} onChange={(e) => setName(e.currentTarget.value)} data-autofocus />
      <Textarea
        label="Public key or certificate"
        description="In PEM. The private key is never asked for."
        placeholder="-----BEGIN PUBLIC KEY-----"
        required
        minRows={5}
        maxRows={10}
        spellCheck={false}
        styles={{ input: { fontFamily: 'var(--mantine-font-family-monospace)', fontSize: '0.75rem' } }}
        value={pem}
        onChange={(event) => setPem(event.currentTarget.value)}
      />
      <Select
        label="Algorithm"
        data={['RS256', 'RS384', 'PS256']}
        allowDeselect={false}
        value={alg}
        onChange={(value) => setAlg((value ?? 'RS256') as Algorithm)}
      />
    </FormDialog>
  );
}
