import { Alert, Button, Checkbox, Group, Modal, Stack, Switch, Text, TextInput } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';

import { apply, type Operation, plan } from '~/api/effects.ts';
import { queryClient } from '~/api/queries.ts';
import { Code } from '~/components/code.tsx';
import { useConfirm } from '~/components/confirm.tsx';
import { Effects } from '~/components/effects.tsx';
import { done } from '~/components/notify.ts';
import type { Api } from '~/screens/apis/data.ts';
import { type Access, accessOf, type Grant, operationFor, type Subject } from '~/screens/apis/grants.ts';

import type { Application } from './data.ts';

interface Props {
  application: Application;
  api: Api;
  subject: Subject;
  grant: Grant | undefined;
  close: () => void;
}

/** The scopes of one API that an application may ask for. */
export default function GrantDialog({ application, api, subject, grant, close }: Props) {
  const before = accessOf(grant);
  const [scopes, setScopes] = useState<ReadonlySet<string>>(before?.scopes ?? new Set());
  const [all, setAll] = useState(before?.all ?? false);
  const [words, setWords] = useState('');
  const confirm = useConfirm();
  const name = application.name ?? application.client_id;
  const write = async (operation: Operation) => {
    const { revision } = await plan([operation]);
    await apply([operation], revision);
    await queryClient.invalidateQueries({ queryKey: ['client-grants'] });
    done(`The access of ${name} was changed`);
    close();
  };
  const save = useMutation({ mutationFn: write });
  const submit = (wanted: Access | undefined) => {
    const operation = operationFor(api.identifier, subject, application.client_id, grant, wanted);
    if (!operation) return close();
    const takes = wanted === undefined || (!wanted.all && (before?.all === true || [...(before?.scopes ?? [])].some((scope) => !wanted.scopes.has(scope))));
    if (!takes) return save.mutate(operation);
    close();
    confirm({
      title: `Take access from ${name}?`,
      effect: <Effects operations={[operation]} />,
      action: wanted === undefined ? 'Withdraw access' : 'Change access',
      run: () => write(operation),
    });
  };
  const toggle = (scope: string) => {
    const next = new Set(scopes);
    if (!next.delete(scope)) next.add(scope);
    setScopes(next);
  };
  const shown = (api.scopes ?? []).filter(({ value }) => value.includes(words.trim()));
  return (
    <Modal opened onClose={close} title={<Text fw={600}>{`${name}: ${api.name ?? api.identifier}`}</Text>} size="md">
      <form
        onSubmit={(event) => {
          event.preventDefault();
          submit({ scopes, all });
        }}
      >
        <Stack gap="md">
          <Text size="sm" c="dimmed">
            {subject === 'user' ? 'What it may ask for in the name of users, who get of it what they hold.' : 'What it gets in its own name, without a user.'}
          </Text>
          <Switch label="Every scope, also later ones" checked={all} onChange={(event) => setAll(event.currentTarget.checked)} />
          {(api.scopes ?? []).length > 8 ? (
            <TextInput aria-label="Filter scopes" placeholder="Filter scopes" value={words} onChange={(event) => setWords(event.currentTarget.value)} />
          ) : null}
          <Stack gap="xs" mah={320} style={{ overflowY: 'auto' }}>
            {shown.map(({ value, description }) => (
              <Checkbox
                key={value}
                label={<Code>{value}</Code>}
                description={description}
                disabled={all}
                checked={all || scopes.has(value)}
                onChange={() => toggle(value)}
              />
            ))}
            {shown.length === 0 ? <Text size="sm">No scopes.</Text> : null}
          </Stack>
          {save.isError ? <Alert color="red">{save.error.message}</Alert> : null}
          <Group justify="space-between">
            {grant ? (
              <Button variant="subtle" color="red" onClick={() => submit(undefined)}>
                Withdraw all
              </Button>
            ) : (
              <span />
            )}
            <Group gap="xs">
              <Button variant="default" onClick={close}>
                Cancel
              </Button>
              <Button type="submit" loading={save.isPending}>
                Save
              </Button>
            </Group>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
