import { expect, it } from 'vitest';

import { inLucene, quoted } from './lucene.ts';

it('finds users by the beginnings of what they are called', () => {
  expect(inLucene('Ada')).toBe('Ada*');
  expect(inLucene(' Ada Lo ')).toBe('Ada\\ Lo*');
  expect(inLucene('ada@x.ex')).toBe('email:ada\\@x\\.ex*');
  expect(inLucene('auth0|12')).toBe('user_id:auth0\\|12*');
  expect(inLucene('blocked:true')).toBe('blocked:true');
  expect(inLucene('  ')).toBe('');
});

it('takes nothing that is typed for an operator', () => {
  for (const text of ['a" OR "b', 'x) OR (y', '\\', '*', 'שלום עולם', '=1+1']) {
    expect(inLucene(text).replaceAll(/\\[\s\S]/gu, '').replaceAll(/[\p{L}\p{N}_]/gu, '')).toBe('*');
    expect(quoted(text)).toMatch(/^(".*"|[\p{L}\p{N}_]+\*)$/u);
  }
});
