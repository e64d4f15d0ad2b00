import { Select } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';

import { nameOf, organizationQuery, organizationsQuery } from '~/screens/organizations/data.ts';

interface Props {
  description: string;
  value: string | undefined;
  onChange: (id: string | undefined) => void;
}

/** An organization of the tenant: the first ones, or those that the server finds by what is typed. */
export function OrganizationSelect({ description, value, onChange }: Props) {
  const [typed, setTyped] = useState('');
  const [text] = useDebouncedValue(typed.trim(), 250);
  const named = useQuery({ ...organizationQuery(value ?? ''), enabled: value !== undefined });
  const chosen = value === undefined ? undefined : named.data ? nameOf(named.data) : value;
  const isSearch = text !== '' && text !== chosen;
  const found = useQuery(organizationsQuery(isSearch ? text : undefined, 0));
  const choices = new Map((found.data?.organizations ?? []).map((one) => [one.id, nameOf(one)]));
  if (value !== undefined && chosen !== undefined && !isSearch) choices.set(value, chosen);
  return (
    <Select
      label="Organization"
      description={description}
      placeholder="none"
      searchable
      clearable
      searchValue={typed}
      onSearchChange={setTyped}
      filter={({ options }) => options}
      nothingFoundMessage="No organization is called that"
      data={[...choices].map(([id, label]) => ({ value: id, label }))}
      value={value ?? null}
      onChange={(id) => onChange(id ?? undefined)}
    />
  );
}
