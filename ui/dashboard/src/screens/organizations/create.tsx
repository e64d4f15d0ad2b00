import { TextInput } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';

import { callAs, management } from '~/api/client.ts';
import { queryClient } from '~/api/queries.ts';
import { FormDialog } from '~/components/form-dialog.tsx';
import { done } from '~/components/notify.ts';

import type { Organization } from './data.ts';

export default function CreateOrganization({ close }: { close: () => void }) {
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
    <FormDialog
      title="Create organization"
      action="Create organization"
      isBusy={create.isPending}
      error={create.error?.message}
      close={close}
      submit={() => create.mutate()}
    >
      <TextInput
        label="Name"
        description="Small letters, digits, hyphens. Requests name it so."
        placeholder="acme"
        required
        value={name}
        onChange={(event) => setName(event.currentTarget.value)}
        data-autofocus
      />
    </FormDialog>
  );
}
