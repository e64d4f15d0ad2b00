import { describe, expect, it } from 'vitest';

import { difference, merged } from './difference.ts';
import { readScopes } from './read.ts';

const DOCUMENT = {
  openapi: '3.1.0',
  info: { title: 'Invoices' },
  security: [{ login: ['read:invoices'] }],
  components: {
    securitySchemes: {
      login: {
        type: 'oauth2',
        flows: { authorizationCode: { scopes: { openid: 'Who you are', 'read:invoices': 'Read your invoices', 'pay:invoices': '' } } },
      },
      key: { $ref: '#/components/securitySchemes/other' },
      other: { type: 'apiKey' },
    },
  },
  paths: {
    '/invoices': { get: { summary: 'All' }, post: { security: [{ login: ['write:invoices'] }, { key: [] }] } },
    '/health': { get: { security: [] } },
    '/me': { get: { security: [{ key: [] }] } },
    '/item': { $ref: '#/paths/~1invoices' },
  },
};

describe('scopes of an OpenAPI document', () => {
  it('come from schemes and operations', () => {
    const found = readScopes(DOCUMENT);
    expect(found.title).toBe('Invoices');
    expect(found.scopes).toEqual([
      { value: 'read:invoices', description: 'Read your invoices', operations: ['GET /invoices', 'GET /item'] },
      { value: 'pay:invoices', description: undefined, operations: [] },
      { value: 'write:invoices', description: undefined, operations: ['POST /invoices', 'POST /item'] },
    ]);
  });

  it('point out operations without any', () => {
    expect(readScopes(DOCUMENT).open).toEqual([
      { operation: 'GET /health', summary: undefined, isPublic: true },
      { operation: 'GET /me', summary: undefined, isPublic: false },
    ]);
  });

  it('are refused in a sentence', () => {
    expect(() => readScopes('x')).toThrow('no OpenAPI document');
    expect(() => readScopes({ swagger: '2.0' })).toThrow('version 2.0');
    for (const odd of [{ openapi: '3.0.0' }, { openapi: '3.0.0', paths: [], components: null }]) {
      expect(readScopes(odd).scopes).toEqual([]);
    }
    const circular = { openapi: '3.0.0', paths: { '/a': { $ref: '#/paths/~1a' }, '/b': { $ref: '#/__proto__/x' } } };
    expect(readScopes(circular).open).toEqual([]);
  });
});

describe('a hostile document', () => {
  it('changes nothing but the list', () => {
    const text = `{"openapi": "3.1.0", "__proto__": {"polluted": 1}, "constructor": {"prototype": {"polluted": 1}},
      "components": {"securitySchemes": {"__proto__": {"type": "oauth2", "flows": {"x": {"scopes": {"__proto__": "p", "constructor": "c"}}}}}},
      "paths": {"/a": {"get": {"security": [{"constructor": ["read:a"], "__proto__": ["read:b"]}]}}}}`;
    const { scopes } = readScopes(JSON.parse(text));
    expect(scopes.map(({ value }) => value)).toEqual(['__proto__', 'constructor', 'read:b']);
    expect(merged([], scopes, new Set()).map(({ value }) => value)).toEqual(['__proto__', 'constructor', 'read:b']);
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
  });

  it('is read in time, however deep, wide or circular it is', () => {
    let deep: unknown = {};
    for (let depth = 0; depth < 100_000; depth += 1) deep = { paths: deep };
    expect(readScopes({ openapi: '3.0.0', components: deep, paths: { '/a': deep } }).scopes).toEqual([]);
    const circle: Record<string, unknown> = { openapi: '3.0.0' };
    circle.paths = circle;
    circle.components = { securitySchemes: { a: { $ref: '#/components/securitySchemes/b' }, b: { $ref: '#/components/securitySchemes/a' } } };
    expect(readScopes(circle).scopes).toEqual([]);
    const paths = Object.fromEntries(Array.from({ length: 50_000 }, (_, n) => [`/${n}`, { get: { security: [{ s: [`read:${n}`, 'read:all'] }] } }]));
    const started = Date.now();
    const wide = readScopes({ openapi: '3.0.0', components: { securitySchemes: { s: { type: 'oauth2' } } }, paths });
    expect(wide.scopes.length).toBe(50_001);
    expect(Date.now() - started).toBeLessThan(2_000);
  });
});

describe('a second import', () => {
  const { scopes } = readScopes(DOCUMENT);
  const present = [
    { value: 'read:invoices', description: 'Read', consent: 'optional' },
    { value: 'pay:invoices', description: 'Pay' },
    { value: 'old:invoices' },
  ];

  it('shows what differs', () => {
    const found = difference(present, scopes);
    expect(found.added.map((scope) => scope.value)).toEqual(['write:invoices']);
    expect(found.described.map(({ scope, before }) => [scope.value, before])).toEqual([['read:invoices', 'Read']]);
    expect(found.same.map((scope) => scope.value)).toEqual(['pay:invoices']);
    expect(found.missing.map((scope) => scope.value)).toEqual(['old:invoices']);
    expect(difference(merged(present, scopes, new Set()), scopes).described).toEqual([]);
  });

  it('keeps what it does not know, until somebody says otherwise', () => {
    expect(merged(present, scopes, new Set()).map((scope) => scope.value)).toEqual([
      'read:invoices', 'pay:invoices', 'old:invoices', 'write:invoices',
    ]);
    expect(merged(present, scopes, new Set())[0]).toEqual({ ...present[0], description: 'Read your invoices' });
    expect(merged(present, scopes, new Set(['old:invoices'])).map((scope) => scope.value)).not.toContain('old:invoices');
  });
});
