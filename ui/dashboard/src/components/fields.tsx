// Fields that forms of settings share.
import { NumberInput, Text, Textarea } from '@mantine/core';
import { type ReactNode, useState } from 'react';

/** Something that cannot be changed here. */
export function Fact({ label, text, children }: { label: string; text?: string; children: ReactNode }) {
  return (
    <div>
      <Text size="sm" fw={500}>
        {label}
      </Text>
      {text === undefined ? null : (
        <Text size="xs" c="dimmed" mb={4}>
          {text}
        </Text>
      )}
      <Text size="sm" component="div" style={{ overflowWrap: 'anywhere' }}>
        {children}
      </Text>
    </div>
  );
}

interface NumberProps {
  label: string;
  description?: ReactNode;
  min?: number;
  max: number;
  unit: 'seconds' | 'hours';
  disabled: boolean;
  value: number | undefined;
  onChange: (value: number) => void;
}

/** A duration, with what it comes to in words. */
export function Duration({ label, description, min = 0, max, unit, disabled, value, onChange }: NumberProps) {
  return (
    <NumberInput
      label={label}
      description={description}
      min={min}
      max={max}
      clampBehavior="blur"
      allowDecimal={false}
      allowNegative={false}
      hideControls
      suffix={` ${unit}`}
      disabled={disabled}
      value={value ?? ''}
      rightSectionWidth={110}
      rightSection={
        <Text size="xs" c="dimmed">
          {value === undefined ? '' : durationInWords(unit === 'hours' ? value * 3600 : value)}
        </Text>
      }
      onChange={(next) => typeof next === 'number' && onChange(next)}
    />
  );
}

/** `2 hours` */
export function durationInWords(seconds: number): string {
  for (const [unit, size] of [['days', 86_400], ['hours', 3600], ['minutes', 60]] as const) {
    if (seconds >= size) {
      const count = Math.round((seconds / size) * 10) / 10;
      return `${count} ${count === 1 ? unit.slice(0, -1) : unit}`;
    }
  }
  return '';
}

interface LinesProps {
  label: string;
  description?: ReactNode;
  placeholder?: string;
  disabled: boolean;
  value: readonly string[] | undefined;
  onChange: (value: string[]) => void;
}

/** A list of texts, one on each line. What is typed stays as it is; what is told has neither blank lines nor ends. */
export function Lines({ label, description, placeholder, disabled, value = [], onChange }: LinesProps) {
  const [typed, setTyped] = useState(value.join('\n'));
  const text = sameLines(lines(typed), value) ? typed : value.join('\n');
  return (
    <Textarea
      label={label}
      description={description}
      placeholder={placeholder ?? 'one on each line'}
      disabled={disabled}
      value={text}
      minRows={1}
      maxRows={10}
      spellCheck={false}
      styles={{ input: { fontFamily: 'var(--mantine-font-family-monospace)', fontSize: '0.8125rem' } }}
      onChange={(event) => {
        setTyped(event.currentTarget.value);
        onChange(lines(event.currentTarget.value));
      }}
    />
  );
}

function lines(text: string): string[] {
  return text.split('\n').map((line) => line.trim()).filter((line) => line !== '');
}

function sameLines(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((line, index) => line === b[index]);
}
