import { Group, Select, Switch, Text, TextInput } from '@mantine/core';
import { useDebouncedCallback } from '@mantine/hooks';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { useCallback, useEffect, useState } from 'react';

import { useMay } from '~/auth/session.tsx';
import { ApplicationSelect } from '~/components/application-select.tsx';
import { Code } from '~/components/code.tsx';
import { Page } from '~/components/page.tsx';
import { Pager } from '~/components/pager.tsx';
import { SearchField } from '~/components/search-field.tsx';
import { Answer, Empty } from '~/components/states.tsx';
import { applicationsByIdQuery } from '~/screens/apis/grants.ts';

import { logsQuery, PER_PAGE, REACH } from './data.ts';
import { Events } from './events.tsx';
import { FAMILIES, type LogFilter } from './filter.ts';
import { KINDS } from './words.ts';

const route = getRouteApi('/logs/');

/** What happened: narrowed by type, application, user and text, and followed while it happens. */
export function Logs() {
  const filter = route.useSearch();
  const { page = 0, ...narrowed } = filter;
  const navigate = route.useNavigate();
  const [isLive, setLive] = useState(false);
  const logs = useQuery(logsQuery(filter, isLive && page === 0));
  const narrow = useCallback(
    (more: { [Member in Exclude<keyof LogFilter, 'page'>]?: string | undefined }) =>
      void navigate({ search: (before) => without({ ...before, page: undefined, ...more }), replace: true }),
    [navigate],
  );
  const look = useCallback((q: string) => narrow({ q }), [narrow]);
  const isNarrowed = Object.keys(narrowed).length > 0;
  return (
    <Page
      title="Logs"
      lead="What happened in this tenant, the newest first."
      actions={
        <Switch label="Live" checked={isLive} disabled={page > 0} onChange={(event) => setLive(event.currentTarget.checked)} />
      }
    >
      <div className="panel">
        <Group p="sm" gap="xs" align="flex-start">
          <SearchField label="Search events" value={filter.q ?? ''} onChange={look} />
          <Select
            aria-label="Type"
            placeholder="Any type"
            clearable
            clearButtonProps={{ 'aria-label': 'Any type' }}
            searchable
            data={TYPES}
            value={filter.type ?? null}
            onChange={(type) => narrow({ type: type ?? undefined })}
            w={220}
            maw="100%"
          />
          <ApplicationFilter value={filter.client} onChange={(client) => narrow({ client })} />
          <UserFilter value={filter.user ?? ''} onChange={(user) => narrow({ user })} />
        </Group>
        <Text size="xs" c="dimmed" px="sm" pb="sm">
          A name, an address, or a query: <Code>ip:127.0.0.1</Code> <Code>type:fp AND connection:staff</Code>
          {isLive ? ' · new events appear by themselves' : ''}
        </Text>
        <Answer query={logs}>
          {(data) =>
            data.logs.length === 0 ? (
              isNarrowed ? (
                <Empty title="Nothing of the kind" text="No event fits. Names are found by how they begin, and letters count as large or small." />
              ) : (
                <Empty title="Nothing yet" text="Sign-ins, tokens and changes stand here as they happen." />
              )
            ) : (
              <>
                <Events events={data.logs} />
                <Pager
                  page={page}
                  perPage={PER_PAGE}
                  total={data.total}
                  reach={REACH}
                  beyond={<>Narrow the search to find earlier events: <Code>date:[2026-11-01 TO 2026-11-02]</Code></>}
                  onPage={(next) => void navigate({ search: (before) => without({ ...before, page: next === 0 ? undefined : next }) })}
                />
              </>
            )
          }
        </Answer>
      </div>
    </Page>
  );
}

const TYPES = [
  { group: 'Families', items: Object.entries(FAMILIES).map(([value, { label }]) => ({ value, label })) },
  { group: 'Types', items: Object.entries(KINDS).map(([value, { label }]) => ({ value, label: `${label} (${value})` })) },
];

/** The address holds what is set, and no more. */
function without(filter: { [Member in keyof LogFilter]?: LogFilter[Member] | undefined }): LogFilter {
  return Object.fromEntries(Object.entries(filter).filter(([, value]) => value !== undefined && value !== '')) as LogFilter;
}

function ApplicationFilter({ value, onChange }: { value: string | undefined; onChange: (client: string | undefined) => void }) {
  const isKnown = useMay()('read:clients');
  const named = useQuery({ ...applicationsByIdQuery(value === undefined ? [] : [value]), enabled: value !== undefined && isKnown });
  if (!isKnown) return null;
  return (
    <ApplicationSelect
      aria-label="Application"
      placeholder="Any application"
      clearButtonProps={{ 'aria-label': 'Any application' }}
      chosen={value === undefined ? undefined : (named.data?.[0] ?? { client_id: value })}
      onChoose={({ client_id: client }) => onChange(client)}
      onClear={() => onChange(undefined)}
      w={200}
      maw="100%"
    />
  );
}

function UserFilter({ value, onChange }: { value: string; onChange: (user: string) => void }) {
  const [text, setText] = useState(value);
  useEffect(() => setText(value), [value]);
  const later = useDebouncedCallback(onChange, 300);
  return (
    <TextInput
      aria-label="User"
      placeholder="User: address or id"
      value={text}
      onChange={(event) => {
        setText(event.currentTarget.value);
        later(event.currentTarget.value.trim());
      }}
      w={200}
      maw="100%"
    />
  );
}
