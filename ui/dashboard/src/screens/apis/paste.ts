// Scopes as people paste them: one to a line, with a description behind a tab, "=", ":  ", " - " or a comma; or JSON.
import type { ApiScope } from './data.ts';

/** Reads what was pasted; what cannot be a scope is told by its line. */
export function readPasted(text: string): { scopes: ApiScope[]; problems: string[] } {
  const asJson = readJson(text);
  const lines = asJson ?? text.split(/\r?\n/).map(readLine);
  const scopes = new Map<string, ApiScope>();
  const problems: string[] = [];
  lines.forEach((scope, index) => {
    if (!scope) return;
    const problem = problemOf(scope.value);
    if (problem) problems.push(`Line ${index + 1}: ${problem}`);
    else scopes.set(scope.value, { ...scopes.get(scope.value), ...scope });
  });
  return { scopes: [...scopes.values()], problems };
}

/** Why a text cannot be a scope; `undefined` where it can. */
export function problemOf(value: string): string | undefined {
  if (value === '') return 'A scope needs a name.';
  if (/\s/.test(value)) return `"${value}" has a space in it, and a space is what separates scopes.`;
  if (value.length > 280) return 'A scope has at most 280 characters.';
  // RFC 6749, section 3.3.
  if (!/^[\x21\x23-\x5b\x5d-\x7e]+$/.test(value)) return `"${value}" has a character that a scope cannot have.`;
  return undefined;
}

function readLine(line: string): ApiScope | undefined {
  const text = line.replace(/^\s*[-*•]\s+/, '').trim();
  if (text === '' || text.startsWith('#')) return undefined;
  const parts = /^(\S+?)\s*(?:\t|=|,|;|\s[-–—]\s|:\s|\s{2,})\s*(.*)$/.exec(text) ?? /^(\S+)\s+(.+)$/.exec(text);
  const value = unquoted(parts?.[1] ?? text);
  const description = unquoted(parts?.[2] ?? '');
  return description === '' ? { value } : { value, description };
}

function readJson(text: string): (ApiScope | undefined)[] | undefined {
  if (!/^\s*[[{]/.test(text)) return undefined;
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!Array.isArray(json)) {
    return Object.entries(json as object).map(([value, description]) => scope(value, description));
  }
  return json.map((item: unknown) => {
    if (typeof item === 'string') return { value: item };
    const { value, description } = (item ?? {}) as { value?: unknown; description?: unknown };
    return scope(value, description);
  });
}

function scope(value: unknown, description: unknown): ApiScope | undefined {
  if (typeof value !== 'string') return undefined;
  return typeof description === 'string' && description !== '' ? { value, description } : { value };
}

function unquoted(text: string): string {
  return text.trim().replace(/^["'`](.*)["'`]$/, '$1').trim();
}
