import { Select, type SelectProps } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';

import { firstName } from '~/components/names.ts';
import { type Api, apisQuery } from '~/screens/apis/data.ts';

interface Props extends Omit<SelectProps, 'data' | 'value' | 'onChange'> {
  /** The one that is chosen, if any. */
  chosen: Api | undefined;
  onChoose: (api: Api | undefined) => void;
}

/** An API of the tenant: the first ones, or those that the server finds by what is typed. */
export function ApiSelect({ chosen, onChoose, ...props }: Props) {
  const [typed, setTyped] = useState('');
  const [text] = useDebouncedValue(typed.trim(), 250);
  const isSearch = text !== '' && text !== nameOf(chosen);
  const found = useQuery(apisQuery(isSearch ? text : undefined, 0));
  const choices = new Map((found.data?.apis ?? []).map((api) => [api.identifier, api]));
  if (chosen && !isSearch) choices.set(chosen.identifier, chosen);
  return (
    <Select
      nothingFoundMessage="No API is called that"
      {...props}
      searchable
      searchValue={typed}
      onSearchChange={setTyped}
      // The server has looked already.
      filter={({ options }) => options}
      data={[...choices.values()].map((api) => ({ value: api.identifier, label: nameOf(api) ?? api.identifier }))}
      value={chosen?.identifier ?? null}
      onChange={(identifier) => onChoose(identifier === null ? undefined : choices.get(identifier))}
    />
  );
}

function nameOf(api: Api | undefined): string | undefined {
  return api && firstName(api.name, api.identifier);
}
