// Forms of settings: sections with a sentence each, and a bar that appears when there is something to save.
import { Alert, Button, Group, Stack, Text, Textarea, Title } from '@mantine/core';
import { type ReactNode, useState } from 'react';

import { Unsaved } from './unsaved.tsx';

/** Settings that belong together. */
export function FormSection({ title, text, children }: { title: string; text?: ReactNode; children: ReactNode }) {
  return (
    <section className="form-section">
      <div>
        <Title order={2}>{title}</Title>
        {text === undefined ? null : (
          <Text size="sm" c="dimmed" component="div" mt={2}>
            {text}
          </Text>
        )}
      </div>
      <Stack gap="md" maw={560}>
        {children}
      </Stack>
    </section>
  );
}

interface SettingsFormProps extends SaveBarProps {
  save: () => void;
  children: ReactNode;
}

/** Settings of one thing, saved together. */
export function SettingsForm({ save, children, ...bar }: SettingsFormProps) {
  return (
    <form
      className="panel"
      onSubmit={(event) => {
        event.preventDefault();
        save();
      }}
    >
      {children}
      <SaveBar {...bar} />
      <Unsaved changes={bar.changes} />
    </form>
  );
}

interface SaveBarProps {
  changes: number;
  isSaving: boolean;
  error: string | undefined;
  reset: () => void;
}

/** At the foot of a form: nothing while nothing was changed. */
function SaveBar({ changes, isSaving, error, reset }: SaveBarProps) {
  if (changes === 0) return null;
  return (
    <div className="save-bar">
      {error === undefined ? null : (
        <Alert color="red" mb="xs" py={6}>
          {error}
        </Alert>
      )}
      <Group justify="space-between">
        <Text size="sm" role="status">
          {changes === 1 ? 'One change is not saved.' : `${changes} changes are not saved.`}
        </Text>
        <Group gap="xs">
          <Button variant="default" onClick={reset}>
            Discard
          </Button>
          <Button type="submit" loading={isSaving}>
            Save
          </Button>
        </Group>
      </Group>
    </div>
  );
}

/** What was changed of a document: `values` is the document with the changes, `changed` the changes alone. */
export function useDraft<T extends object>(document: T) {
  const [draft, setDraft] = useState<Partial<T>>({});
  const set = <K extends keyof T>(member: K, value: T[K]) =>
    setDraft((before) => {
      const next = { ...before, [member]: value };
      // What is as it was is no change.
      if (same(value, document[member])) delete next[member];
      return next;
    });
  return {
    values: { ...document, ...draft },
    changed: draft,
    count: Object.keys(draft).length,
    set,
    reset: () => setDraft({}),
  };
}

function same(a: unknown, b: unknown): boolean {
  return a === b || JSON.stringify(a ?? null) === JSON.stringify(b ?? null);
}

interface JsonFieldProps {
  label: string;
  description?: ReactNode;
  value: unknown;
  /** Called with what was typed where it is JSON; with `null` where the field was emptied. */
  onChange: (value: unknown) => void;
  disabled?: boolean;
}

/** A member that is an object of its own, for what has no form. */
export function JsonField({ label, description, value, onChange, disabled = false }: JsonFieldProps) {
  const [text, setText] = useState(value === undefined || value === null ? '' : JSON.stringify(value, null, 2));
  const [problem, setProblem] = useState<string>();
  return (
    <Textarea
      label={label}
      description={description}
      placeholder="not set"
      disabled={disabled}
      value={text}
      error={problem}
      minRows={1}
      maxRows={14}
      styles={{ input: { fontFamily: 'var(--mantine-font-family-monospace)', fontSize: '0.8125rem' } }}
      onChange={(event) => {
        const typed = event.currentTarget.value;
        setText(typed);
        try {
          onChange(typed.trim() === '' ? null : JSON.parse(typed));
          setProblem(undefined);
        } catch (error) {
          setProblem(error instanceof Error ? `No JSON yet: ${error.message}` : 'No JSON yet.');
        }
      }}
    />
  );
}
