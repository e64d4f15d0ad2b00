import { TextInput } from '@mantine/core';
import { useState } from 'react';

import { callAs, management } from '~/api/client.ts';
import { useCreation } from '~/components/creation.ts';
import { FormDialog } from '~/components/form-dialog.tsx';

import type { Connection } from './data.ts';

export default function CreateConnection({ close }: { close: () => void }) {
  const [name, setName] = useState('');
  const creation = useCreation({
    make: () => callAs<Connection>(management.POST('/connections', { body: { name: name.trim(), strategy: 'auth0' } })),
    list: 'connections',
    nameOf: (connection) => connection.name,
    address: ({ id }) => `connections/${encodeURIComponent(id)}/settings`,
    close,
  });
  return (
    <FormDialog action="Create database" {...creation}>
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
