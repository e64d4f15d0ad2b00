import { TextInput } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';

import { callAs, management } from '~/api/client.ts';
import { queryClient } from '~/api/queries.ts';
import { FormDialog } from '~/components/form-dialog.tsx';
import { done } from '~/components/notify.ts';

import type { Connection } from './data.ts';

export default function CreateConnection({ close }: { close: () => void }) {
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
    <FormDialog
      title="Create database"
      action="Create database"
      isBusy={create.isPending}
      error={create.error?.message}
      close={close}
      submit={() => create.mutate()}
    >
      <TextInput
        label="Name"
        description="Letters, digits and hyphens. Requests name it so, and it stays."
        placeholder="customers"
        required
        value={name}
        onChange={(event) => setName(event.currentTarget.value)}
        data-autofocus
      />
    </FormDialog>
  );
}
