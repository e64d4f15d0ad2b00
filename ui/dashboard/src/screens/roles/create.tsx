import { Textarea, TextInput } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';

import { callAs, management } from '~/api/client.ts';
import { queryClient } from '~/api/queries.ts';
import { FormDialog } from '~/components/form-dialog.tsx';
import { done } from '~/components/notify.ts';

import type { Role } from './data.ts';

export default function CreateRole({ close }: { close: () => void }) {
  const [name, setName] = useState('');
  const [description, setDescription] = useState('');
  const navigate = useNavigate();
  const create = useMutation({
    mutationFn: () =>
      callAs<Role>(
        management.POST('/roles', { body: { name: name.trim(), ...(description.trim() === '' ? {} : { description: description.trim() }) } }),
      ),
    onSuccess: (role) => {
      void queryClient.invalidateQueries({ queryKey: ['roles'] });
      done(`${role.name} was created`);
      close();
      void navigate({ to: '/roles/$id/permissions', params: { id: role.id } });
    },
  });
  return (
    <FormDialog
      title="Create role"
      action="Create role"
      isBusy={create.isPending}
      error={create.error?.message}
      close={close}
      submit={() => create.mutate()}
    >
      <TextInput label="Name" placeholder="Accountant" required value={name} onChange={(event) => setName(event.currentTarget.value)} data-autofocus />
      <Textarea label="Description" description="What people with it do." value={description} onChange={(event) => setDescription(event.currentTarget.value)} />
    </FormDialog>
  );
}
