import { Alert, Button, Group, Modal, Stack, Text, TextInput } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';

import { callAs, management } from '~/api/client.ts';
import { queryClient } from '~/api/queries.ts';
import { done } from '~/components/notify.ts';

import type { Connection } from './data.ts';

export default function CreateConnection({ close }: { close: () => void }) {
  return (
    <Modal opened onClose={close} title={<Text fw={600}>Create database</Text>} size="md">
      <CreateForm close={close} />
    </Modal>
  );
}

function CreateForm({ close }: { close: () => void }) {
  const [name, setName] = useState('');
  const navigate = useNavigate();
  const create = useMutation({
    mutationFn: () => callAs<Connection>(management.POST('/connections', { body: { name: name.trim(), strategy: 'auth0' } })),
    onSuccess: (connection) => {
      void queryClient.invalidateQueries({ queryKey: ['connections'] });
      done(`${connection.name} was created`);
      close();
      void navigate({ to: '/connections/$id/settings', params: { id: connection.id } });
    },
  });
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        create.mutate();
      }}
    >
      <Stack gap="md">
        <TextInput
          label="Name"
          description="Letters, digits and hyphens. Requests name it so, and it stays."
          placeholder="customers"
          required
          value={name}
          onChange={(event) => setName(event.currentTarget.value)}
          data-autofocus
        />
        {create.isError ? <Alert color="red">{create.error.message}</Alert> : null}
        <Group justify="flex-end">
          <Button variant="default" onClick={close}>
            Cancel
          </Button>
          <Button type="submit" loading={create.isPending}>
            Create database
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
