// Scopes from an OpenAPI 3 document: read here, compared with the API, and only then written.
import { Alert, Badge, Button, Checkbox, FileButton, Group, Modal, Stack, Text, Textarea } from '@mantine/core';
import { IconUpload } from '@tabler/icons-react';
import { useMutation } from '@tanstack/react-query';
import { type ReactNode, useState } from 'react';

import { inWords } from '~/api/queries.ts';
import { Code } from '~/components/code.tsx';
import { Effects } from '~/components/effects.tsx';
import { done } from '~/components/notify.ts';

import type { Api } from './data.ts';
import { difference, merged } from './openapi/difference.ts';
import { type FoundScopes, readScopes } from './openapi/read.ts';
import { problemOf } from './paste.ts';
import { changeScopes, removal } from './scopes.ts';

/** As many changes are shown: a document may have tens of thousands of scopes. */
const SHOWN = 100;
/** Larger documents are no descriptions. */
const LARGEST = 8 << 20;

export default function ImportDialog({ api, close }: { api: Api; close: () => void }) {
  const [found, setFound] = useState<FoundScopes>();
  const [problem, setProblem] = useState<string>();
  const read = async (text: string) => {
    setProblem(undefined);
    try {
      setFound(readScopes(await parsed(text)));
    } catch (error) {
      setProblem(error instanceof RangeError ? 'The document is nested too deeply.' : inWords(error));
    }
  };
  return (
    <Modal opened onClose={close} title={<Text fw={600}>Import scopes from OpenAPI</Text>} size="lg">
      {found ? <Review api={api} found={found} back={() => setFound(undefined)} close={close} /> : <Source read={read} problem={problem} />}
    </Modal>
  );
}

async function parsed(text: string): Promise<unknown> {
  if (text.length > LARGEST) throw new Error('The document is larger than 8 MB.');
  if (/^\s*\{/.test(text)) return JSON.parse(text) as unknown;
  const { parse } = await import('yaml');
  return parse(text, { maxAliasCount: 100 }) as unknown;
}

function Source({ read, problem }: { read: (text: string) => Promise<void>; problem: string | undefined }) {
  const [text, setText] = useState('');
  return (
    <Stack>
      <Text size="sm">
        Security schemes and the security of each operation become scopes. You see what would change before anything does.
      </Text>
      <Group>
        <FileButton accept=".json,.yaml,.yml,application/json,application/yaml" onChange={(file) => void file?.text().then(read)}>
          {(props) => (
            <Button {...props} leftSection={<IconUpload size={16} aria-hidden />} data-autofocus>
              Choose a file
            </Button>
          )}
        </FileButton>
        <Text size="sm" c="dimmed">
          JSON or YAML, OpenAPI 3
        </Text>
      </Group>
      <Textarea
        label="Or paste it"
        minRows={6}
        maxRows={14}
        value={text}
        onChange={(event) => setText(event.currentTarget.value)}
        styles={{ input: { fontFamily: 'var(--mantine-font-family-monospace)' } }}
      />
      {problem === undefined ? null : (
        <Alert color="red" title="This cannot be read">
          {problem}
        </Alert>
      )}
      <Group justify="flex-end">
        <Button disabled={text.trim() === ''} onClick={() => void read(text)}>
          Read
        </Button>
      </Group>
    </Stack>
  );
}

interface ReviewProps {
  api: Api;
  found: FoundScopes;
  back: () => void;
  close: () => void;
}

function Review({ api, found, back, close }: ReviewProps) {
  const usable = found.scopes.filter(({ value }) => problemOf(value) === undefined);
  const unusable = found.scopes.filter(({ value }) => problemOf(value) !== undefined);
  const { added, described, same, missing } = difference(api.scopes ?? [], usable);
  const [gone, setGone] = useState<ReadonlySet<string>>(new Set());
  const save = useMutation({
    mutationFn: () => changeScopes(api.id, (now) => merged(now, usable, gone)),
    onSuccess: () => {
      done(`Imported: ${summary([[added.length, 'added'], [described.length, 'changed'], [gone.size, 'removed']])}`);
      close();
    },
  });
  const toggle = (value: string) => {
    const next = new Set(gone);
    if (!next.delete(value)) next.add(value);
    setGone(next);
  };
  const changes = added.length + described.length + gone.size;
  return (
    <Stack gap="lg">
      {changes === 0 && missing.length === 0 ? (
        <Text size="sm">The API has all {same.length} scopes of the document already, with these descriptions.</Text>
      ) : null}
      <Part title="New" count={added.length}>
        {added.slice(0, SHOWN).map((scope) => (
          <Line key={scope.value} sign="+" value={scope.value} text={scope.description ?? 'no description'} more={used(scope.operations)} />
        ))}
        <Rest count={added.length} />
      </Part>
      <Part title="Described anew" count={described.length}>
        {described.slice(0, SHOWN).map(({ scope, before }) => (
          <Line key={scope.value} sign="~" value={scope.value} text={scope.description ?? ''} more={`was: ${before ?? 'no description'}`} />
        ))}
        <Rest count={described.length} />
      </Part>
      <Part title="Not in the document" count={missing.length} note="Kept, unless you choose them.">
        {missing.map(({ value }) => (
          <Checkbox key={value} size="xs" my={4} label={`Remove ${value}`} checked={gone.has(value)} onChange={() => toggle(value)} />
        ))}
        {gone.size > 0 ? (
          <Alert color="red" mt="xs">
            <Effects operations={[removal(api, gone)]} />
          </Alert>
        ) : null}
      </Part>
      <Part title="Operations without a scope" count={found.open.length} note="Whoever has a token for this API may call them; those marked open need none.">
        {found.open.slice(0, 12).map(({ operation, isPublic }) => (
          <div key={operation}>
            <Code>{operation}</Code>
            {isPublic ? (
              <Badge color="yellow" ml={6}>
                open
              </Badge>
            ) : null}
          </div>
        ))}
        {found.open.length > 12 ? <Text size="sm">and {found.open.length - 12} more</Text> : null}
      </Part>
      {unusable.length > 0 ? (
        <Alert color="yellow" title="Left out">
          {unusable.slice(0, 12).map(({ value }) => problemOf(value.length > 100 ? `${value.slice(0, 100)}…` : value) ?? problemOf(value)).join(' ')}
          {unusable.length > 12 ? ` And ${unusable.length - 12} more.` : ''}
        </Alert>
      ) : null}
      {save.isError ? <Alert color="red">{save.error.message}</Alert> : null}
      <Group justify="space-between">
        <Button variant="subtle" color="gray" onClick={back}>
          Another document
        </Button>
        <Group gap="xs">
          <Button variant="default" onClick={close}>
            Cancel
          </Button>
          <Button disabled={changes === 0} loading={save.isPending} color={gone.size > 0 ? 'red' : 'brand'} onClick={() => save.mutate()}>
            {gone.size > 0 ? `Import and remove ${gone.size}` : 'Import'}
          </Button>
        </Group>
      </Group>
    </Stack>
  );
}

function Part({ title, count, note, children }: { title: string; count: number; note?: string; children: ReactNode }) {
  if (count === 0) return null;
  return (
    <section>
      <Text component="h3" size="sm" fw={600} m={0} mb={4}>
        {title} ({count})
      </Text>
      {note === undefined ? null : (
        <Text size="xs" c="dimmed" mb={4}>
          {note}
        </Text>
      )}
      {children}
    </section>
  );
}

/** How many are not shown of a list that nobody reads to its end. */
function Rest({ count }: { count: number }) {
  return count > SHOWN ? <Text size="sm">and {count - SHOWN} more</Text> : null;
}

function Line({ sign, value, text, more }: { sign: string; value: string; text: string; more: string }) {
  return (
    <div className="diff-line">
      <span aria-hidden>{sign}</span>
      <div>
        <Code>{value}</Code> <Text span size="sm">{text}</Text>
        <Text size="xs" c="dimmed">
          {more}
        </Text>
      </div>
    </div>
  );
}

function used(operations: string[]): string {
  if (operations.length === 0) return 'no operation asks for it';
  const first = operations.slice(0, 3).join(', ');
  return operations.length > 3 ? `${first} and ${operations.length - 3} more` : first;
}

/** `2 added, 1 removed`: what was none is not told. */
function summary(counts: [number, string][]): string {
  return counts.flatMap(([count, what]) => (count === 0 ? [] : `${count} ${what}`)).join(', ');
}
