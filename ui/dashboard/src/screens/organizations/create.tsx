import { TextInput } from '@mantine/core';
import { useState } from 'react';

import { callAs, management } from '~/api/client.ts';
import { useCreation } from '~/components/creation.ts';
import { FormDialog } from '~/components/form-dialog.tsx';

import type { Organization } from './data.ts';

export default function CreateOrganization({ close }: { close: () => void }) {
  const [name, setName] = useState('');
  const creation = useCreation({
    make: () => callAs<Organization>(management.POST('/organizations', { body: { name: name.trim() } })),
    list: 'organizations',
    nameOf: (organization) => organization.name,
    address: ({ id }) => `organizations/${encodeURIComponent(id)}/members`,
    close,
  });
  return (
    <FormDialog action="Create organization" {...creation}>
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
