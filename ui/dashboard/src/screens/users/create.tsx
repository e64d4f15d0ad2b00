import { PasswordInput, Select, Switch, TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';

import { callAs, management } from '~/api/client.ts';
import { useMay } from '~/auth/session.tsx';
import { useCreation } from '~/components/creation.ts';
import { FormDialog } from '~/components/form-dialog.tsx';
import { allConnectionsQuery, databasesOf } from '~/screens/connections/data.ts';

import { nameOf, type User } from './data.ts';

const USUAL = 'Username-Password-Authentication';

/** Somebody with a password in a database. */
export default function CreateUser({ close }: { close: () => void }) {
  const may = useMay();
  const [email, setEmail] = useState('');
  const [name, setName] = useState('');
  const [password, setPassword] = useState('');
  const [isVerified, setVerified] = useState(false);
  const [chosen, setChosen] = useState<string>();
  const connections = useQuery({ ...allConnectionsQuery, enabled: may('read:connections') });
  const names = connections.data ? databasesOf(connections.data).map(({ name: one }) => one) : [USUAL];
  const connection = chosen ?? (names.includes(USUAL) ? USUAL : (names[0] ?? USUAL));
  const creation = useCreation({
    make: () =>
      callAs<User>(
        management.POST('/users', {
          body: {
            connection,
            email: email.trim(),
            password,
            email_verified: isVerified,
            verify_email: !isVerified,
            ...(name.trim() === '' ? {} : { name: name.trim() }),
          },
        }),
      ),
    list: 'users',
    nameOf,
    address: ({ user_id: id }) => `users/${encodeURIComponent(id)}/profile`,
    close,
  });
  return (
    <FormDialog action="Create user" {...creation}>
      <TextInput label="Address" type="email" required value={email} onChange={(event) => setEmail(event.currentTarget.value)} data-autofocus />
      <TextInput label="Name" value={name} onChange={(event) => setName(event.currentTarget.value)} />
      <PasswordInput
        label="Password"
        description="As the policy of the connection asks for. They can change it."
        required
        autoComplete="new-password"
        visibilityToggleButtonProps={{ 'aria-label': 'Show password' }}
        value={password}
        onChange={(event) => setPassword(event.currentTarget.value)}
      />
      {names.length > 1 ? (
        <Select label="Connection" searchable data={names} allowDeselect={false} value={connection} onChange={(value) => setChosen(value ?? undefined)} />
      ) : null}
      <Switch
        label="The address is theirs"
        description="Otherwise they get a message to confirm it."
        checked={isVerified}
        onChange={(event) => setVerified(event.currentTarget.checked)}
      />
    </FormDialog>
  );
}
