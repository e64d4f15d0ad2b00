import { Select } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';

import { nameOf, type User, usersQuery } from './data.ts';

interface Props {
  label: string;
  value: string | undefined;
  onChange: (id: string | undefined) => void;
}

/** Somebody of the tenant, found by name or address. */
export function UserPicker({ label, value, onChange }: Props) {
  const [typed, setTyped] = useState('');
  const [chosen, setChosen] = useState<User>();
  const [text] = useDebouncedValue(typed.trim(), 250);
  const isChosen = chosen !== undefined && text === said(chosen);
  const users = useQuery(usersQuery(text === '' || isChosen ? undefined : text, 0));
  const choices = new Map((users.data?.users ?? []).map((user) => [user.user_id, user]));
  if (chosen && value !== undefined) choices.set(chosen.user_id, chosen);
  return (
    <Select
      label={label}
      placeholder="Name or address"
      searchable
      clearable
      searchValue={typed}
      onSearchChange={setTyped}
      filter={({ options }) => options}
      nothingFoundMessage="Nobody is called that"
      data={[...choices.values()].map((user) => ({ value: user.user_id, label: said(user) }))}
      value={value ?? null}
      onChange={(id) => {
        setChosen(id === null ? undefined : choices.get(id));
        onChange(id ?? undefined);
      }}
      style={{ flex: '1 1 16rem' }}
      maw={420}
    />
  );
}

function said(user: User): string {
  const name = nameOf(user);
  return user.email === undefined || user.email === name ? name : `${name} (${user.email})`;
}
