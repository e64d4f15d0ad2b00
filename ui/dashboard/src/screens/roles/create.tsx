import { Textarea, TextInput } from '@mantine/core';
import { useState } from 'react';

import { callAs, management } from '~/api/client.ts';
import { useCreation } from '~/components/creation.ts';
import { FormDialog } from '~/components/form-dialog.tsx';

import type { Role } from './data.ts';

export default function CreateRole({ close }: { close: () => void }) {
  const [name, setName] = useState('');
  const [description, setDescription] = useState('');
  const creation = useCreation({
    make: () =>
      callAs<Role>(
        management.POST('/roles', { body: { name: name.trim(), ...(description.trim() === '' ? {} : { description: description.trim() }) } }),
      ),
    list: 'roles',
    nameOf: (role) => role.name,
    address: ({ id }) => `roles/${encodeURIComponent(id)}/permissions`,
    close,
  });
  return (
    <FormDialog action="Create role" {...creation}>
      <TextInput label="Name" placeholder="Accountant" required value={name} onChange={(event) => setName(event.currentTarget.value)} data-autofocus />
      <Textarea label="Description" description="What people with it do." value={description} onChange={(event) => setDescription(event.currentTarget.value)} />
    </FormDialog>
  );
}
