import { MultiSelect, NumberInput, Switch } from '@mantine/core';

import { Fact, Lines } from '~/components/fields.tsx';

import type { CharacterType, PasswordOptions } from './data.ts';

const CHARACTER_TYPES: readonly { value: CharacterType; label: string }[] = [
  { value: 'lowercase', label: 'Lower case' },
  { value: 'uppercase', label: 'Upper case' },
  { value: 'number', label: 'Digits' },
  { value: 'special', label: 'Others (!?&)' },
];

interface Props {
  rules: PasswordOptions;
  /** The older level, where one is set. */
  level: string | null | undefined;
  disabled: boolean;
  onChange: (rules: PasswordOptions) => void;
}

/** What new passwords of a database must be. */
export function PasswordRules({ rules, level, disabled, onChange }: Props) {
  const { complexity = {}, dictionary = {}, history = {}, profile_data: profile = {} } = rules;
  const types = complexity.character_types ?? [];
  const set = (change: PasswordOptions) => onChange({ ...rules, ...change });
  const setComplexity = (change: PasswordOptions['complexity']) => set({ complexity: { ...complexity, ...change } });
  const setTypes = (value: CharacterType[]) =>
    // Three of four is a rule about four.
    setComplexity({ character_types: value, ...(value.length < 4 ? { character_type_rule: 'all' } : {}) });
  return (
    <>
      {level ? (
        <Fact label="Level" text="The older setting, kept by tools. It holds too: where both say something, the stricter one counts.">
          {level}
        </Fact>
      ) : null}
      <NumberInput
        label="Characters at least" min={1} max={72} clampBehavior="blur" allowDecimal={false} hideControls disabled={disabled}
        value={complexity.min_length ?? ''}
        onChange={(value) => typeof value === 'number' && setComplexity({ min_length: value })}
      />
      <MultiSelect
        label="Kinds of characters" description="At least one of each." disabled={disabled} data={CHARACTER_TYPES}
        value={types} onChange={(value) => setTypes(value as CharacterType[])}
      />
      <Switch
        label="Three kinds of the four are enough" disabled={disabled || types.length < 4}
        checked={complexity.character_type_rule === 'three_of_four'}
        onChange={(event) => setComplexity({ character_type_rule: event.currentTarget.checked ? 'three_of_four' : 'all' })}
      />
      <Switch
        label="Refuse runs of one character" description="Such as aaa." disabled={disabled}
        checked={complexity.identical_characters === 'block'}
        onChange={(event) => setComplexity({ identical_characters: event.currentTarget.checked ? 'block' : 'allow' })}
      />
      <Switch
        label="Refuse sequences" description="Such as abc and 123." disabled={disabled}
        checked={complexity.sequential_characters === 'block'}
        onChange={(event) => setComplexity({ sequential_characters: event.currentTarget.checked ? 'block' : 'allow' })}
      />
      <Switch
        label="Refuse common passwords" description="Those of a list that attackers try first." disabled={disabled}
        checked={dictionary.active ?? false}
        onChange={(event) => set({ dictionary: { ...dictionary, active: event.currentTarget.checked } })}
      />
      {dictionary.active ? (
        <Lines
          label="And these" description="The name of the company, for example." disabled={disabled}
          value={dictionary.custom} onChange={(custom) => set({ dictionary: { ...dictionary, custom } })}
        />
      ) : null}
      <Switch
        label="Refuse earlier passwords" disabled={disabled} checked={history.active ?? false}
        onChange={(event) => set({ history: { size: history.size ?? 3, active: event.currentTarget.checked } })}
      />
      {history.active ? (
        <NumberInput
          label="How many of them" description="The present one counts." min={1} max={24} clampBehavior="blur" allowDecimal={false} hideControls
          disabled={disabled} value={history.size ?? ''}
          onChange={(value) => typeof value === 'number' && set({ history: { ...history, size: value } })}
        />
      ) : null}
      <Switch
        label="Refuse what is known of the user" description="Names and the address, in any password." disabled={disabled}
        checked={profile.active ?? true}
        onChange={(event) => set({ profile_data: { ...profile, active: event.currentTarget.checked } })}
      />
    </>
  );
}
