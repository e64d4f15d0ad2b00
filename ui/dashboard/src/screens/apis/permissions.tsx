import { ActionIcon, Button, Checkbox, Group, NativeSelect, Text, TextInput, Tooltip } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { IconCheck, IconClipboard, IconFileImport, IconPencil, IconPlus, IconTrash, IconX } from '@tabler/icons-react';
import { useMutation, useQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { lazy, Suspense, useState } from 'react';

import { useMay } from '~/auth/session.tsx';
import { Code } from '~/components/code.tsx';
import { useConfirm } from '~/components/confirm.tsx';
import { Effects } from '~/components/effects.tsx';
import { done, failed } from '~/components/notify.ts';
import { SearchField } from '~/components/search-field.tsx';
import { Answer, Empty } from '~/components/states.tsx';
import { Table } from '~/components/table.tsx';

import { type Api, type ApiScope, apiQuery, type Consent } from './data.ts';
import { CONSENT_CHOICES, CONSENTS } from './options.ts';
import { problemOf } from './paste.ts';
import { changeScopes, removal } from './scopes.ts';

const PasteScopes = lazy(() => import('./paste-dialog.tsx'));
const ImportScopes = lazy(() => import('./import-dialog.tsx'));
const route = getRouteApi('/apis/$id/permissions');

/** The scopes of an API: what a token may allow. */
export function ApiPermissions() {
  const { id } = route.useParams();
  return <Answer query={useQuery(apiQuery(id))}>{(api) => <Permissions api={api} />}</Answer>;
}

function Permissions({ api }: { api: Api }) {
  const may = useMay();
  const confirm = useConfirm();
  const [text, setText] = useState('');
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const [isPasting, pasting] = useDisclosure();
  const [isImporting, importing] = useDisclosure();
  const isEditable = may('update:resource_servers') && !api.is_system;
  const scopes: ApiScope[] = api.scopes ?? [];
  const words = text.toLowerCase();
  const shown = scopes.filter(({ value, description }) => `${value} ${description ?? ''}`.toLowerCase().includes(words));

  const remove = (gone: ReadonlySet<string>) =>
    confirm({
      title: gone.size === 1 ? `Remove ${[...gone][0]}?` : `Remove ${gone.size} scopes?`,
      effect: <Effects operations={[removal(api, gone)]} />,
      action: gone.size === 1 ? 'Remove scope' : `Remove ${gone.size} scopes`,
      run: async () => {
        await changeScopes(api.id, (now) => now.filter(({ value }) => !gone.has(value)));
        setChosen(new Set());
        done(gone.size === 1 ? `${[...gone][0]} was removed` : `${gone.size} scopes were removed`);
      },
    });
  const toggle = (value: string) => {
    const next = new Set(chosen);
    if (!next.delete(value)) next.add(value);
    setChosen(next);
  };

  return (
    <>
      {api.is_system ? (
        <Text size="sm" c="dimmed" mb="sm">
          These are the server's own scopes; each is asked for by the operations of the same name. They cannot be changed.
        </Text>
      ) : null}
      <div className="panel">
        <Group p="sm" justify="space-between">
          <SearchField label="Search scopes" value={text} onChange={setText} />
          {isEditable ? (
            <Group gap="xs">
              {chosen.size > 0 ? (
                <Button variant="light" color="red" leftSection={<IconTrash size={16} aria-hidden />} onClick={() => remove(chosen)}>
                  Remove {chosen.size}
                </Button>
              ) : null}
              <Button variant="default" leftSection={<IconClipboard size={16} aria-hidden />} onClick={pasting.open}>
                Paste many
              </Button>
              <Button variant="default" leftSection={<IconFileImport size={16} aria-hidden />} onClick={importing.open}>
                Import from OpenAPI
              </Button>
            </Group>
          ) : null}
        </Group>
        {isEditable ? <AddScope api={api} /> : null}
        {scopes.length === 0 ? (
          <Empty
            title="No scopes yet"
            text={
              <>
                A scope names something that can be done, such as <Code>read:contacts</Code>. Applications ask for it, and the API looks
                for it in the token.
              </>
            }
          />
        ) : shown.length === 0 ? (
          <Empty title="No scope is called that" text="Scopes are found by any part of their name or description." />
        ) : (
          <Table cards label="Scopes">
            <Table.Thead>
              <Table.Tr>
                {isEditable ? <Table.Th aria-label="Chosen" /> : null}
                <Table.Th>Scope</Table.Th>
                <Table.Th>Description</Table.Th>
                {api.is_system ? null : <Table.Th>When a user is asked</Table.Th>}
                {isEditable ? <Table.Th aria-label="Actions" /> : null}
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {shown.map((scope) => (
                <ScopeRow
                  key={scope.value}
                  api={api}
                  scope={scope}
                  isEditable={isEditable}
                  isChosen={chosen.has(scope.value)}
                  toggle={() => toggle(scope.value)}
                  remove={() => remove(new Set([scope.value]))}
                />
              ))}
            </Table.Tbody>
          </Table>
        )}
      </div>
      {api.is_system ? null : <Consents />}
      <Suspense>
        {isPasting ? <PasteScopes api={api} close={pasting.close} /> : null}
        {isImporting ? <ImportScopes api={api} close={importing.close} /> : null}
      </Suspense>
    </>
  );
}

/** What the choices of the last column mean to a user. */
function Consents() {
  return (
    <details className="quiet" style={{ marginTop: 12 }}>
      <summary>What users are asked</summary>
      <Text size="sm" component="div" maw={680} mt={6}>
        Applications that are not exempt ask their users once, on the consent page, with the descriptions above.
        <ul className="plain-list">
          {CONSENTS.map(({ value, label, text }) => (
            <li key={value}>
              <b>{label}</b>: {text}
            </li>
          ))}
        </ul>
        What a user left out is not in the token, and the answer to the application says so (<Code>scope</Code>). It is offered again when the
        application asks with <Code>prompt=consent</Code>. Machines and passwords are not asked.
      </Text>
    </details>
  );
}

function AddScope({ api }: { api: Api }) {
  const [value, setValue] = useState('');
  const [description, setDescription] = useState('');
  const [consent, setConsent] = useState<Consent>('required');
  const [problem, setProblem] = useState<string>();
  const add = useMutation({
    mutationFn: (scope: ApiScope) => changeScopes(api.id, (now) => [...now, scope]),
    onSuccess: (_, scope) => {
      done(`${scope.value} was added`);
      setValue('');
      setDescription('');
      setConsent('required');
    },
    onError: (error) => setProblem(error.message),
  });
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        const scope = value.trim();
        const isThere = (api.scopes ?? []).some((known) => known.value === scope);
        const wrong = isThere ? `${scope} is there already.` : problemOf(scope);
        setProblem(wrong);
        const described = description.trim() === '' ? {} : { description: description.trim() };
        if (wrong === undefined) add.mutate({ value: scope, ...described, ...(consent === 'required' ? {} : { consent }) });
      }}
      className="row-form"
    >
      <TextInput
        aria-label="New scope"
        placeholder="read:invoices"
        value={value}
        error={problem}
        onChange={(event) => setValue(event.currentTarget.value)}
      />
      <TextInput
        aria-label="Description of the new scope"
        placeholder="Read your invoices (shown when a user is asked)"
        maxLength={500}
        value={description}
        onChange={(event) => setDescription(event.currentTarget.value)}
      />
      <NativeSelect
        aria-label="Consent to the new scope"
        data={CONSENT_CHOICES}
        value={consent}
        onChange={(event) => setConsent(event.currentTarget.value as Consent)}
      />
      <Button type="submit" variant="light" leftSection={<IconPlus size={16} aria-hidden />} loading={add.isPending}>
        Add scope
      </Button>
    </form>
  );
}

interface RowProps {
  api: Api;
  scope: ApiScope;
  isEditable: boolean;
  isChosen: boolean;
  toggle: () => void;
  remove: () => void;
}

function ScopeRow({ api, scope, isEditable, isChosen, toggle, remove }: RowProps) {
  const [isEditing, editing] = useDisclosure();
  return (
    <Table.Tr>
      {isEditable ? (
        <Table.Td style={{ width: 40 }}>
          <Checkbox size="xs" aria-label={`Choose ${scope.value}`} checked={isChosen} onChange={toggle} />
        </Table.Td>
      ) : null}
      <Table.Td>
        <Code>{scope.value}</Code>
      </Table.Td>
      <Table.Td className="half">
        {isEditing ? (
          <Description api={api} scope={scope} close={editing.close} />
        ) : (
          <Text size="sm" {...(scope.description === undefined ? { c: 'dimmed' } : {})}>
            {scope.description ?? 'No description'}
          </Text>
        )}
      </Table.Td>
      {api.is_system ? null : (
        <Table.Td>
          <ConsentChoice api={api} scope={scope} isEditable={isEditable} />
        </Table.Td>
      )}
      {isEditable ? (
        <Table.Td>
          <Group gap={4} wrap="nowrap" justify="flex-end">
            <Tooltip label="Edit description">
              <ActionIcon aria-label={`Edit ${scope.value}`} onClick={editing.open}>
                <IconPencil size={16} aria-hidden />
              </ActionIcon>
            </Tooltip>
            <Tooltip label="Remove">
              <ActionIcon aria-label={`Remove ${scope.value}`} onClick={remove}>
                <IconTrash size={16} aria-hidden />
              </ActionIcon>
            </Tooltip>
          </Group>
        </Table.Td>
      ) : null}
    </Table.Tr>
  );
}

function ConsentChoice({ api, scope, isEditable }: { api: Api; scope: ApiScope; isEditable: boolean }) {
  const save = useMutation({
    mutationFn: (consent: Consent) =>
      changeScopes(api.id, (now) =>
        now.map(({ consent: before, ...known }) => {
          const next = known.value === scope.value ? consent : before;
          return next === undefined || next === 'required' ? known : { ...known, consent: next };
        }),
      ),
    onSuccess: () => done(`${scope.value} was changed`),
    onError: (error) => failed(error),
  });
  return (
    <NativeSelect
      size="xs"
      aria-label={`Consent to ${scope.value}`}
      data={CONSENT_CHOICES}
      disabled={!isEditable || save.isPending}
      value={save.variables !== undefined && save.isPending ? save.variables : (scope.consent ?? 'required')}
      onChange={(event) => save.mutate(event.currentTarget.value as Consent)}
      miw={140}
    />
  );
}

function Description({ api, scope, close }: { api: Api; scope: ApiScope; close: () => void }) {
  const [text, setText] = useState(scope.description ?? '');
  const save = useMutation({
    mutationFn: () =>
      changeScopes(api.id, (now) =>
        now.map(({ description, ...known }) => {
          const next = known.value === scope.value ? text.trim() : description;
          return next === undefined || next === '' ? known : { ...known, description: next };
        }),
      ),
    onSuccess: close,
    onError: (error) => failed(error),
  });
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        save.mutate();
      }}
      onKeyDown={(event) => {
        if (event.key === 'Escape') close();
      }}
      style={{ display: 'flex', gap: 4, alignItems: 'center' }}
    >
      <TextInput
        aria-label={`Description of ${scope.value}`}
        value={text}
        maxLength={500}
        size="xs"
        style={{ flex: 1 }}
        autoFocus
        onChange={(event) => setText(event.currentTarget.value)}
      />
      <ActionIcon type="submit" aria-label="Save description" loading={save.isPending}>
        <IconCheck size={16} aria-hidden />
      </ActionIcon>
      <ActionIcon aria-label="Leave description as it is" onClick={close}>
        <IconX size={16} aria-hidden />
      </ActionIcon>
    </form>
  );
}
