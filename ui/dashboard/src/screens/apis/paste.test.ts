import { expect, it } from 'vitest';

import { problemOf, readPasted } from './paste.ts';

it('reads scopes however people write them', () => {
  const lines = [
    'read:things\tRead things', '- write:things = Write things', '* delete:things - Delete things', '# a comment', '',
    'list:things: List things', 'admin', '"a:b","Quoted"', 'pay:things Pay things',
  ];
  expect(readPasted(lines.join('\r\n'))).toEqual({
    scopes: [
      { value: 'read:things', description: 'Read things' },
      { value: 'write:things', description: 'Write things' },
      { value: 'delete:things', description: 'Delete things' },
      { value: 'list:things', description: 'List things' },
      { value: 'admin' },
      { value: 'a:b', description: 'Quoted' },
      { value: 'pay:things', description: 'Pay things' },
    ],
    problems: [],
  });
});

it('reads JSON', () => {
  expect(readPasted('["a", {"value": "b", "description": "B"}]').scopes).toEqual([{ value: 'a' }, { value: 'b', description: 'B' }]);
  expect(readPasted('{"a": "A", "b": ""}').scopes).toEqual([{ value: 'a', description: 'A' }, { value: 'b' }]);
});

it('says what cannot be a scope', () => {
  expect(readPasted('ok\n"').problems).toEqual(['Line 2: "\\"" has a character that a scope cannot have.'.replace('\\"', '"')]);
  expect(problemOf('a b')).toMatch('space');
  expect(problemOf('x'.repeat(281))).toMatch('280');
  expect(problemOf('lösch:alles')).toMatch('character');
  expect(problemOf('read:a')).toBeUndefined();
});
