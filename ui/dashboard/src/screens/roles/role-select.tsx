import { MultiSelect, type MultiSelectProps } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';

import { useMay } from '~/auth/session.tsx';

import { type Role, roleChoicesQuery } from './data.ts';

interface Props extends Omit<MultiSelectProps, 'data' | 'value' | 'onChange'> {
  /** Roles that are chosen or have to be named, wherever they are in the list of all. */
  known?: readonly Pick<Role, 'id' | 'name'>[];
  /** These are not offered. */
  without?: readonly string[];
  value: string[];
  onChange: (ids: string[]) => void;
}

/** Roles of the tenant: the first hundred, or those that the server finds by what is typed. */
export function RoleSelect({ known = [], without = [], value, onChange, ...props }: Props) {
  const [typed, setTyped] = useState('');
  const [text] = useDebouncedValue(typed.trim(), 250);
  const [chosen, setChosen] = useState<ReadonlyMap<string, string>>(new Map());
  const found = useQuery({ ...roleChoicesQuery(text), enabled: useMay()('read:roles') });
  const names = new Map([...chosen, ...known.map(({ id, name }) => [id, name] as const), ...(found.data ?? []).map(({ id, name }) => [id, name] as const)]);
  return (
    <MultiSelect
      {...props}
      searchable
      searchValue={typed}
      onSearchChange={setTyped}
      nothingFoundMessage="No other role is called that"
      data={[...names].filter(([id]) => !without.includes(id)).map(([id, label]) => ({ value: id, label }))}
      value={value}
      onChange={(next) => {
        // What was chosen keeps its name when something else is typed.
        setChosen(new Map(next.map((id) => [id, names.get(id) ?? id])));
        onChange(next);
      }}
    />
  );
}
