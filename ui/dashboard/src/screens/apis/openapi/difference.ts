// What an import would change in the scopes of an API.
import type { ApiScope } from '../data.ts';
import type { FoundScope } from './read.ts';

export interface Difference {
  added: FoundScope[];
  /** Another description. */
  described: { scope: FoundScope; before: string | undefined }[];
  same: FoundScope[];
  /** Scopes of the API that the document does not know. Kept, unless somebody says otherwise. */
  missing: ApiScope[];
}

export function difference(present: readonly ApiScope[], found: readonly FoundScope[]): Difference {
  const before = new Map(present.map((scope) => [scope.value, scope]));
  const names = new Set(found.map((scope) => scope.value));
  const result: Difference = { added: [], described: [], same: [], missing: present.filter(({ value }) => !names.has(value)) };
  for (const scope of found) {
    const known = before.get(scope.value);
    if (!known) result.added.push(scope);
    else if (scope.description !== undefined && cut(scope.description) !== (known.description ?? '')) {
      result.described.push({ scope, before: known.description });
    } else result.same.push(scope);
  }
  return result;
}

/** The scopes after an import: everything present keeps its place, and whatever else is set of it; `without` goes. */
export function merged(present: readonly ApiScope[], found: readonly FoundScope[], without: ReadonlySet<string>): ApiScope[] {
  const descriptions = new Map(found.map((scope) => [scope.value, scope.description]));
  const kept = present
    .filter(({ value }) => !without.has(value))
    .map((scope) => {
      const description = descriptions.get(scope.value);
      return description === undefined ? scope : { ...scope, description: cut(description) };
    });
  const known = new Set(present.map(({ value }) => value));
  const added = found.filter(({ value }) => !known.has(value)).map(({ value, description }) => ({
    value,
    ...(description === undefined ? {} : { description: cut(description) }),
  }));
  return [...kept, ...added];
}

/** The longest description that a scope may have. */
const LONGEST = 500;

function cut(text: string): string {
  return text.length <= LONGEST ? text : `${text.slice(0, LONGEST - 1)}…`;
}
