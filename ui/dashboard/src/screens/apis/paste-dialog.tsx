import { Alert, Button, Group, Modal, Stack, Text, Textarea } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';

import { done } from '~/components/notify.ts';

import type { Api } from './data.ts';
import { difference, merged } from './openapi/difference.ts';
import { readPasted } from './paste.ts';
import { changeScopes } from './scopes.ts';

/** Many scopes at once, from a table, a list or JSON. */
export default function PasteDialog({ api, close }: { api: Api; close: () => void }) {
  const [text, setText] = useState('');
  const { scopes, problems } = readPasted(text);
  const found = scopes.map(({ value, description }) => ({ value, description, operations: [] }));
  const { added, described } = difference(api.scopes ?? [], found);
  const save = useMutation({
    mutationFn: () => changeScopes(api.id, (now) => merged(now, found, new Set())),
    onSuccess: () => {
      done(`${added.length} scopes were added, ${described.length} described anew`);
      close();
    },
  });
  return (
    <Modal opened onClose={close} title={<Text fw={600}>Paste scopes</Text>} size="lg">
      <form
        onSubmit={(event) => {
          event.preventDefault();
          save.mutate();
        }}
      >
        <Stack>
          <Textarea
            label="Scopes"
            description="One to a line, with its description behind a tab, a comma or an equals sign; or JSON."
            placeholder={'read:invoices\tRead your invoices\npay:invoices = Pay your invoices'}
            minRows={8}
            maxRows={18}
            value={text}
            data-autofocus
            onChange={(event) => setText(event.currentTarget.value)}
            styles={{ input: { fontFamily: 'var(--mantine-font-family-monospace)' } }}
          />
          <Text size="sm" role="status">
            {scopes.length === 0 ? 'Nothing yet.' : `${added.length} new, ${described.length} with another description, ${scopes.length - added.length - described.length} as they are.`}
          </Text>
          {problems.length > 0 ? (
            <Alert color="red" title="Not all of it can be a scope">
              {problems.slice(0, 5).map((problem) => (
                <div key={problem}>{problem}</div>
              ))}
            </Alert>
          ) : null}
          {save.isError ? <Alert color="red">{save.error.message}</Alert> : null}
          <Group justify="flex-end">
            <Button variant="default" onClick={close}>
              Cancel
            </Button>
            <Button type="submit" loading={save.isPending} disabled={problems.length > 0 || added.length + described.length === 0}>
              Add scopes
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
