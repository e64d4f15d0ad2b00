import { expect, it } from 'vitest';

import { DAYS, lastDays, ticksTo } from './days.ts';

it('draws round numbers', () => {
  expect(ticksTo(1)).toEqual([0, 1]);
  expect(ticksTo(3)).toEqual([0, 1, 2, 3]);
  expect(ticksTo(9)).toEqual([0, 5, 10]);
  expect(ticksTo(1234)).toEqual([0, 500, 1000, 1500]);
});

it('counts days in UTC', () => {
  const days = lastDays(new Date('2026-03-01T00:30:00+02:00'));
  expect(days).toHaveLength(DAYS);
  expect(days.at(-1)).toBe('2026-02-28');
});
