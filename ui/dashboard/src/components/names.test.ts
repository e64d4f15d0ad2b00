import { expect, it } from 'vitest';

import { firstName, isolated, isTyped } from './names.ts';

it('takes the first name that shows anything', () => {
  expect(firstName(null, '', ' \u200b\u3164', 'jane@x.example', 'auth0|1')).toBe('jane@x.example');
  expect(firstName(undefined)).toBe('');
  expect(firstName('Jane', 'other')).toBe('Jane');
});

it('lets no name turn the words around it', () => {
  expect(isolated('\u202eenaJ\u202c')).toBe('enaJ');
  expect(isolated('שלום')).toBe('\u2068שלום\u2069');
  expect(isolated('\u2069שלום\u2067')).toBe('\u2068שלום\u2069');
  expect(isolated('Ünal 王')).toBe('Ünal 王');
});

it('asks nobody to type what cannot be seen', () => {
  expect(isTyped('Jane Doe ', 'Jane  Doe')).toBe(true);
  expect(isTyped('שלום', '\u2068שלום\u2069')).toBe(true);
  expect(isTyped('jane doe', 'Jane Doe')).toBe(false);
  expect(isTyped('', 'Jane')).toBe(false);
});
