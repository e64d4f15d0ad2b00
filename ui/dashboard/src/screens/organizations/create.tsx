import { Alert, Button, Group, Modal, Stack, Text, TextInput } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';

import { callAs, management } from '~/api/client.ts';
import { queryClient } from '~/api/queries.ts';
import { done } from '~/components/notify.ts';

import type { Organization } from './data.ts';

export default function CreateOrganization({ close }: { close: () => void }) {
  return (
    <Modal opened onClose={close} title={<Text fw={600}>Create organization</Text>} size="md">
      <CreateForm close={close} />
    </Modal>
  );
}

function CreateForm({ close }: { close: () => void }) {
  const [name, setName] = useState('');
  const navigate = useNavigate();
  const create = useMutation({
    mutationFn: () => callAs<Organization>(management.POST('/organizations', { body: { name: name.trim() } })),
    onSuccess: (organization) => {
      void queryClient.invalidateQueries({ queryKey: ['organizations'] });
      done(`${organization.name} was created`);
      close();
      void navigate({ to: '/organizations/$id/members', params: { id: organization.id } });
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
          description="Small letters, digits, hyphens. Requests name it so."
          placeholder="acme"
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
            Create organization
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
