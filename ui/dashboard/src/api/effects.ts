// What a set of changes would do to others, as the server counts it before anything is done: POST /api/chancery/v1/plan.
// The same that `chancery plan` prints.
import { extension } from './client.ts';

/** One operation of the Management API by its id, as the OpenAPI document names it. */
export interface Operation {
  operation: string;
  path?: Record<string, string>;
  query?: string;
  body?: unknown;
}

interface Touched {
  count: number;
  at_least?: boolean;
  first?: string[];
}

type Counted = (typeof COUNTED)[number][0];

type Effect = { effect: string; api?: string; scope?: string; scopes?: string[]; name?: string; id?: string } & Partial<
  Record<Counted, Touched>
>;

export interface Plan {
  revision: number;
  effects: Effect[];
  /** Scopes of ours without which some effects are not told. */
  hidden_effects: string[];
}

interface Applied {
  revision: number;
  operations: { status: number; body?: unknown }[];
}

export function plan(operations: Operation[]): Promise<Plan> {
  return extension<Plan>('plan', { operations });
}

/** Does all of it in one step, or nothing: refused where the configuration changed since the plan. */
export function apply(operations: Operation[], revision: number): Promise<Applied> {
  return extension<Applied>('apply', { operations, revision });
}

const COUNTED = [
  ['applications', 'application', 'applications'],
  ['client_grants', 'client grant', 'client grants'],
  ['connections', 'connection', 'connections'],
  ['roles', 'role', 'roles'],
  ['users', 'user', 'users'],
  ['consents', 'consent', 'consents'],
  ['refresh_tokens', 'live refresh token', 'live refresh tokens'],
] as const;

/** What happens, without the counts: `read:contacts goes`. */
export function effectTitle(effect: Effect): string {
  const scopes = (effect.scopes ?? []).join(', ');
  const name = effect.name ?? effect.id ?? 'it';
  switch (effect.effect) {
    case 'scope_removed':
      return `The scope ${effect.scope} goes`;
    case 'api_deleted':
      return `The API ${name} goes`;
    case 'application_deleted':
      return `The application ${name} goes`;
    case 'client_grant_narrowed':
      return `${name} may no longer ask for ${scopes}`;
    case 'client_grant_deleted':
      return `${name} may ask for nothing more of this API`;
    case 'role_narrowed':
      return `The role ${name} no longer gives ${scopes}`;
    case 'role_deleted':
      return `The role ${name} goes`;
    case 'connection_left':
      return `Applications leave the connection ${name}`;
    case 'connection_deleted':
      return `The connection ${name} goes, with its users`;
    case 'organization_deleted':
      return `The organization ${name} goes`;
    default:
      return `${effect.effect.replaceAll('_', ' ')}: ${name}`;
  }
}

/** Whom it touches, each in a few words: `2 roles (Reader, Admin)`. */
export function effectCounts(effect: Effect): string[] {
  return COUNTED.flatMap(([member, one, many]) => {
    const touched = effect[member];
    if (!touched || touched.count <= 0) return [];
    const first = touched.first ?? [];
    const more = touched.count > first.length ? ', …' : '';
    const names = first.length > 0 ? ` (${first.join(', ')}${more})` : '';
    return [`${touched.at_least ? 'at least ' : ''}${touched.count} ${touched.count === 1 ? one : many}${names}`];
  });
}
