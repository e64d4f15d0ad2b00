import { Select } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useState } from 'react';

import { callAs, management } from '~/api/client.ts';
import { inLucene } from '~/api/lucene.ts';

export interface Chosen {
  user_id: string;
  email: string | undefined;
}

interface Props {
  user: string | undefined;
  email: string | undefined;
  onChange: (chosen: Chosen | undefined) => void;
}

/** Somebody of the tenant, found by address or name. */
export function UserSelect({ user, email, onChange }: Props) {
  const [typed, setTyped] = useState('');
  const [text] = useDebouncedValue(typed, 250);
  const users = useQuery({
    queryKey: ['users', 'choice', text],
    queryFn: () => {
      const q = text.trim() === '' || text === (email ?? user) ? {} : { q: inLucene(text), search_engine: 'v3' as const };
      const query = { per_page: 20, fields: 'user_id,email,name', include_fields: true, ...q } as const;
      return callAs<{ user_id: string; email?: string; name?: string }[]>(management.GET('/users', { params: { query } }));
    },
    placeholderData: keepPreviousData,
  });
  const found = users.data ?? [];
  const options = new Map(found.map(({ user_id: id, email: address, name }) => [id, address ?? name ?? id]));
  if (user !== undefined && !options.has(user)) options.set(user, email ?? user);
  return (
    <Select
      label="User"
      description="Whose roles count. Without one, somebody who may do everything is meant."
      placeholder="anybody"
      searchable
      clearable
      searchValue={typed}
      onSearchChange={setTyped}
      filter={({ options: all }) => all}
      nothingFoundMessage="Nobody is called that"
      data={[...options].map(([value, label]) => ({ value, label }))}
      value={user ?? null}
      onChange={(id) => onChange(id === null ? undefined : { user_id: id, email: found.find((one) => one.user_id === id)?.email })}
    />
  );
}
