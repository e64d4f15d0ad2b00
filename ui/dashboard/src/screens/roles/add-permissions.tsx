import { Checkbox, Group, Stack, Text, TextInput } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';

import { ApiSelect } from '~/components/api-select.tsx';
import { Code } from '~/components/code.tsx';
import { FormDialog } from '~/components/form-dialog.tsx';
import { done } from '~/components/notify.ts';
import type { Api } from '~/screens/apis/data.ts';

export interface Permission {
  resource_server_identifier: string;
  permission_name: string;
}

interface Props {
  title: string;
  add: (permissions: Permission[]) => Promise<unknown>;
  onAdded: () => Promise<unknown>;
  close: () => void;
}

/** Picks an API, and scopes of it. */
export default function AddPermissions({ title, add, onAdded, close }: Props) {
  const [api, setApi] = useState<Api>();
  const [words, setWords] = useState('');
  const [scopes, setScopes] = useState<ReadonlySet<string>>(new Set());
  const save = useMutation({
    mutationFn: () => add([...scopes].map((scope) => ({ resource_server_identifier: api?.identifier ?? '', permission_name: scope }))),
    onSuccess: async () => {
      await onAdded();
      done(scopes.size === 1 ? 'The permission was given' : `${scopes.size} permissions were given`);
      close();
    },
  });
  const shown = (api?.scopes ?? []).filter(({ value }) => value.includes(words.trim()));
  const toggle = (scope: string) => {
    const next = new Set(scopes);
    if (!next.delete(scope)) next.add(scope);
    setScopes(next);
  };
  const isAll = shown.length > 0 && shown.every(({ value }) => scopes.has(value));
  return (
    <FormDialog
      title={title}
      action={scopes.size === 0 ? 'Give' : `Give ${scopes.size}`}
      isBusy={save.isPending}
      error={save.error?.message}
      disabled={scopes.size === 0}
      close={close}
      submit={() => save.mutate()}
    >
      <ApiSelect
        label="API"
        placeholder="Choose an API"
        chosen={api}
        onChoose={(next) => {
          setApi(next);
          setScopes(new Set());
          setWords('');
        }}
        data-autofocus
      />
      {api === undefined ? null : (
        <>
          <Group gap="sm">
            <TextInput aria-label="Filter scopes" placeholder="Filter scopes" value={words} onChange={(e) => setWords(e.currentTarget.value)} />
            <Checkbox
              label={`All ${shown.length}`}
              checked={isAll}
              disabled={shown.length === 0}
              onChange={() => setScopes(isAll ? new Set() : new Set([...scopes, ...shown.map(({ value }) => value)]))}
            />
          </Group>
          <Stack gap="xs" mah={300} style={{ overflowY: 'auto' }}>
            {shown.map(({ value, description }) => (
              <Checkbox key={value} label={<Code>{value}</Code>} description={description} checked={scopes.has(value)} onChange={() => toggle(value)} />
            ))}
            {shown.length === 0 ? <Text size="sm">No scopes.</Text> : null}
          </Stack>
        </>
      )}
    </FormDialog>
  );
}
