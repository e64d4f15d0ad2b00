// The scopes that an OpenAPI 3 document speaks of: those its security schemes describe, and those its operations ask for.

export interface FoundScope {
  value: string;
  description: string | undefined;
  /** `GET /contacts`: who asks for it. */
  operations: string[];
}

export interface FoundScopes {
  title: string | undefined;
  scopes: FoundScope[];
  /** Operations that ask for no scope: whoever has a token, or anybody, may call them. */
  open: { operation: string; summary: string | undefined; isPublic: boolean }[];
}

type Json = Record<string, unknown>;

const METHODS = ['get', 'put', 'post', 'delete', 'options', 'head', 'patch', 'trace'];

/** Reads a parsed document; throws a sentence where it is none. */
export function readScopes(document: unknown): FoundScopes {
  const root = object(document);
  const version = root && (text(root.openapi) ?? text(root.swagger));
  if (!root || version === undefined) throw new Error('This is no OpenAPI document: it has no member "openapi".');
  if (!version.startsWith('3.')) throw new Error(`This is a document of version ${version}; version 3 is needed.`);

  const schemes = object(object(root.components)?.securitySchemes) ?? {};
  const carriesScopes = new Set<string>();
  const found = new Map<string, FoundScope>();
  const note = (value: string, description?: string) => {
    const known = found.get(value) ?? { value, description: undefined, operations: [] };
    known.description ??= description;
    found.set(value, known);
    return known;
  };
  for (const [name, raw] of Object.entries(schemes)) {
    const scheme = object(resolved(root, raw));
    if (!scheme) continue;
    if (scheme.type === 'oauth2' || scheme.type === 'openIdConnect') carriesScopes.add(name);
    for (const flow of Object.values(object(scheme.flows) ?? {})) {
      for (const [value, description] of Object.entries(object(object(flow)?.scopes) ?? {})) {
        if (!isStandard(value)) note(value, text(description));
      }
    }
  }

  const open: FoundScopes['open'] = [];
  for (const [path, raw] of Object.entries(object(root.paths) ?? {})) {
    const item = object(resolved(root, raw)) ?? {};
    for (const method of METHODS) {
      const operation = object(item[method]);
      if (!operation) continue;
      const name = `${method.toUpperCase()} ${path}`;
      // An operation's own list replaces the document's, an empty one too.
      const requirements = list(operation.security ?? root.security);
      const wanted = new Set<string>();
      for (const requirement of requirements) {
        for (const [scheme, values] of Object.entries(object(requirement) ?? {})) {
          // Other schemes may name roles since version 3.1; they mean the same to people.
          if (!carriesScopes.has(scheme) && !Object.hasOwn(schemes, scheme)) continue;
          for (const value of list(values)) if (typeof value === 'string' && !isStandard(value)) wanted.add(value);
        }
      }
      for (const value of wanted) note(value).operations.push(name);
      const allowsNobody = requirements.length === 0 || requirements.some((r) => Object.keys(object(r) ?? {}).length === 0);
      if (wanted.size === 0) open.push({ operation: name, summary: text(operation.summary), isPublic: allowsNobody });
    }
  }
  return { title: text(object(root.info)?.title), scopes: [...found.values()], open };
}

/** Those of OpenID Connect belong to no API. */
function isStandard(value: string): boolean {
  return ['openid', 'profile', 'email', 'address', 'phone', 'offline_access', 'online_access'].includes(value);
}

/** What a reference within the document points to. */
function resolved(root: Json, value: unknown, depth = 0): unknown {
  const reference = text(object(value)?.$ref);
  if (reference === undefined || !reference.startsWith('#/') || depth > 8) return value;
  let at: unknown = root;
  for (const part of reference.slice(2).split('/')) {
    const name = part.replaceAll('~1', '/').replaceAll('~0', '~');
    const within = object(at);
    at = within && Object.hasOwn(within, name) ? within[name] : undefined;
  }
  return resolved(root, at, depth + 1);
}

function object(value: unknown): Json | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : undefined;
}

function list(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value.trim() !== '' ? value.trim() : undefined;
}
