import { Select, Switch, TextInput } from '@mantine/core';
import { useState } from 'react';

import { callAs, management } from '~/api/client.ts';
import { useCreation } from '~/components/creation.ts';
import { FormDialog } from '~/components/form-dialog.tsx';
import { firstName } from '~/components/names.ts';

import type { Api } from './data.ts';
import { ALGORITHMS } from './options.ts';

/** Name and identifier are enough; everything else has a sensible beginning. */
export default function CreateApi({ close }: { close: () => void }) {
  const [name, setName] = useState('');
  const [identifier, setIdentifier] = useState('');
  const [algorithm, setAlgorithm] = useState('RS256');
  const [byRole, setByRole] = useState(false);
  const creation = useCreation({
    make: () =>
      callAs<Api>(
        management.POST('/resource-servers', {
          body: {
            ...(name.trim() === '' ? {} : { name: name.trim() }),
            identifier: identifier.trim(),
            signing_alg: algorithm as 'RS256',
            ...(byRole ? { enforce_policies: true } : {}),
          },
        }),
      ),
    list: 'apis',
    nameOf: (api) => firstName(api.name, api.identifier),
    address: ({ id }) => `apis/${encodeURIComponent(id)}/permissions`,
    close,
  });
  return (
    <FormDialog action="Create API" {...creation}>
      <TextInput label="Name" description="For people." value={name} onChange={(e) => setName(e.currentTarget.value)} data-autofocus />
      <TextInput
        label="Identifier"
        description="The audience of its tokens, usually the API's address. It is never called, and cannot be changed later."
        placeholder="https://invoices.example/api"
        required
        maxLength={600}
        value={identifier}
        onChange={(e) => setIdentifier(e.currentTarget.value)}
      />
      <Select
        label="Signing algorithm"
        description="RS256 unless the API's libraries ask for another."
        data={ALGORITHMS}
        value={algorithm}
        allowDeselect={false}
        onChange={(value) => setAlgorithm(value ?? 'RS256')}
      />
      <Switch
        label="Users get only what their roles allow"
        description="Role-based access control. Without it, whoever signs in gets every scope that an application asks for. It can be turned on later."
        checked={byRole}
        onChange={(e) => setByRole(e.currentTarget.checked)}
      />
    </FormDialog>
  );
}
