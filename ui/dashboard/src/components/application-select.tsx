import { Select, type SelectProps } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';

import { firstName } from '~/components/names.ts';
import { type Application, applicationsQuery } from '~/screens/apis/grants.ts';

interface Props extends Omit<SelectProps, 'data' | 'value' | 'onChange'> {
  /** The one that is chosen, if any. */
  chosen?: Application | undefined;
  /** Which of those found can be chosen. */
  isOffered?: (application: Application) => boolean;
  onChoose: (application: Application) => void;
  /** The choice is taken back: there is a button for it where this is given. */
  onClear?: () => void;
}

/** An application of the tenant: the first hundred, or those that the server finds by what is typed. */
export function ApplicationSelect({ chosen, isOffered = () => true, onChoose, onClear, ...props }: Props) {
  const [typed, setTyped] = useState('');
  const [text] = useDebouncedValue(typed.trim(), 250);
  const isSearch = text !== '' && text !== nameOf(chosen);
  const first = useQuery(applicationsQuery(''));
  const found = useQuery({ ...applicationsQuery(text), enabled: isSearch && first.data?.hasMore === true });
  const all = new Map([...(chosen ? [chosen] : []), ...(first.data?.applications ?? []), ...(found.data?.applications ?? [])].map((one) => [one.client_id, one]));
  const offered = [...all.values()].filter((one) => one === chosen || isOffered(one));
  return (
    <Select
      {...props}
      searchable
      clearable={onClear !== undefined}
      searchValue={typed}
      onSearchChange={setTyped}
      data={offered.map((one) => ({ value: one.client_id, label: nameOf(one) }))}
      value={chosen?.client_id ?? null}
      onChange={(id) => {
        const application = all.get(id ?? '');
        if (application) onChoose(application);
        else onClear?.();
      }}
    />
  );
}

function nameOf(application: Application | undefined): string {
  return firstName(application?.name, application?.client_id);
}
