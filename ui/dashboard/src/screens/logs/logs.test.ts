import { expect, test } from 'vitest';

import { inLucene } from './filter.ts';
import { hasFailed, inWords, kindOf } from './words.ts';

const EVENT = { log_id: '1', date: '2026-01-01T00:00:00.000Z', type: 's' };

test('a filter becomes a query, and nothing typed leaves its place', () => {
  expect(inLucene({})).toBe('');
  expect(inLucene({ type: 'fp', client: 'abc', user: 'auth0|1', q: 'jane' })).toBe('type:"fp" AND client_id:"abc" AND user_id:"auth0|1" AND jane*');
  expect(inLucene({ user: 'jane@example.com' })).toBe('user_name:"jane@example.com"');
  expect(inLucene({ client: 'a" OR type:"s' })).toBe('client_id:"a\\" OR type:\\"s"');
  expect(inLucene({ q: 'ip:127.0.0.1 OR ip:10.0.0.1', type: 's' })).toBe('type:"s" AND (ip:127.0.0.1 OR ip:10.0.0.1)');
  expect(inLucene({ type: 'signins' })).toContain('"ssa"');
});

test('events are sentences', () => {
  expect(inWords({ ...EVENT, user_name: 'jane@example.com', client_name: 'Shop' })).toBe('jane@example.com signed in to Shop');
  expect(inWords({ ...EVENT, type: 'seccft', client_name: 'Job', audience: 'https://api' })).toBe('Job got a token of its own for https://api');
  expect(inWords({ ...EVENT, type: 'sapi', client_name: 'Tool', description: 'Create a role' })).toBe('Tool: Create a role');
  expect(inWords({ ...EVENT, type: 'sapi', user_name: 'alex', description: 'DELETE /roles/{id}/permissions' })).toBe('alex: removed from roles, permissions');
  expect(inWords({ ...EVENT, type: 'sapi', user_name: 'alex', description: 'POST /clients/{id}/rotate-secret' })).toBe('alex: rotate secret of clients');
  expect(inWords({ ...EVENT, type: 'unheard_of' })).toBe('unheard_of');
  expect([kindOf('fp'), kindOf('xyz')]).toEqual(['Wrong password', 'xyz']);
  expect([hasFailed('fp'), hasFailed('limit_wc'), hasFailed('s')]).toEqual([true, true, false]);
});
