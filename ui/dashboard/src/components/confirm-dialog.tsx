import { Alert, Button, Group, Modal, Stack, Text, TextInput } from '@mantine/core';
import { useState } from 'react';

import { inWords } from '~/api/queries.ts';

import type { Confirmation } from './confirm.tsx';
import { isTyped } from './names.ts';

/** The dialog of {@link useConfirm}. */
export default function ConfirmDialog({ asked, isOpen, close }: { asked: Confirmation; isOpen: boolean; close: () => void }) {
  return (
    <Modal opened={isOpen} onClose={close} title={<Text fw={600}>{asked.title}</Text>} size="md">
      <Question asked={asked} close={close} />
    </Modal>
  );
}

function Question({ asked, close }: { asked: Confirmation; close: () => void }) {
  const [typed, setTyped] = useState('');
  const [isBusy, setBusy] = useState(false);
  const [failure, setFailure] = useState<string>();
  const run = async () => {
    setBusy(true);
    setFailure(undefined);
    try {
      await asked.run();
      close();
    } catch (error) {
      setFailure(inWords(error));
    } finally {
      setBusy(false);
    }
  };
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        void run();
      }}
    >
      <Stack gap="md">
        <div>{asked.effect}</div>
        {asked.typed === undefined ? null : (
          <TextInput
            label={`Type ${asked.typed} to go on`}
            value={typed}
            onChange={(event) => setTyped(event.currentTarget.value)}
            data-autofocus
          />
        )}
        {failure === undefined ? null : <Alert color="red">{failure}</Alert>}
        <Group justify="flex-end">
          <Button variant="default" onClick={close}>
            Cancel
          </Button>
          <Button type="submit" color={asked.gives ? 'brand' : 'red'} loading={isBusy} disabled={asked.typed !== undefined && !isTyped(typed, asked.typed)}>
            {asked.action}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
