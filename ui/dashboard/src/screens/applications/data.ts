// Applications as the server keeps them (clients on the wire). Their secrets never enter the query cache.
import { keepPreviousData, queryOptions } from '@tanstack/react-query';

import { callAs, management } from '~/api/client.ts';
import { queryClient } from '~/api/queries.ts';
import { quoted } from '~/api/lucene.ts';

export interface RefreshTokens {
  rotation_type: 'rotating' | 'non-rotating';
  expiration_type: 'expiring' | 'non-expiring';
  leeway?: number;
  token_lifetime?: number;
  infinite_token_lifetime?: boolean;
  idle_token_lifetime?: number;
  infinite_idle_token_lifetime?: boolean;
}

export interface Application {
  client_id: string;
  name?: string;
  description?: string;
  app_type?: string;
  logo_uri?: string;
  is_first_party?: boolean;
  callbacks?: string[];
  allowed_logout_urls?: string[];
  web_origins?: string[];
  allowed_origins?: string[];
  grant_types?: string[];
  initiate_login_uri?: string;
  token_endpoint_auth_method?: string | null;
  client_authentication_methods?: { private_key_jwt?: { credentials: { id: string }[] } } | null;
  jwt_configuration?: { alg?: string; lifetime_in_seconds?: number };
  refresh_token?: RefreshTokens | null;
  organization_usage?: string;
  client_metadata?: Record<string, unknown>;
}

export type ApplicationPatch = { [Member in keyof Application]?: Application[Member] | null };

/** Once made: the one answer that carries the secret whatever one may read. */
export type NewApplication = Application & { client_secret?: string };

export const PER_PAGE = 25;
/** What is not asked for, so that it is nowhere. */
const SECRET = { fields: 'client_secret,signing_keys', include_fields: false } as const;

export interface ApplicationPage {
  applications: Application[];
  /** `undefined` where a search does not count. */
  total: number | undefined;
  hasMore: boolean;
}

export function applicationsQuery(q: string | undefined, page: number) {
  return queryOptions({
    queryKey: ['clients', { q: q ?? '', page }],
    queryFn: () => (q === undefined ? readPage(page) : search(q)),
    placeholderData: keepPreviousData,
  });
}

export function applicationQuery(id: string) {
  return queryOptions({
    queryKey: ['clients', id],
    queryFn: () => callAs<Application>(management.GET('/clients/{id}', { params: { path: { id }, query: SECRET } })),
  });
}

export async function updateApplication(id: string, body: ApplicationPatch): Promise<void> {
  await callAs(management.PATCH('/clients/{id}', { params: { path: { id } }, body: body as never }));
  await queryClient.invalidateQueries({ queryKey: ['clients'] });
}

/** The secret, for whoever asked to see it. */
export async function readSecret(id: string): Promise<string | undefined> {
  const query = { fields: 'client_secret', include_fields: true } as const;
  const { client_secret: secret } = await callAs<{ client_secret?: string }>(management.GET('/clients/{id}', { params: { path: { id }, query } }));
  return secret;
}

/** A key that an application proves itself with. */
export interface Credential {
  id: string;
  name?: string;
  kid?: string;
  alg?: string;
  credential_type: string;
  created_at?: string;
  expires_at?: string;
}

export function credentialsQuery(clientId: string) {
  return queryOptions({
    queryKey: ['clients', clientId, 'credentials'],
    queryFn: () =>
      callAs<Credential[]>(management.GET('/clients/{client_id}/credentials', { params: { path: { client_id: clientId } } })),
  });
}

async function readPage(page: number): Promise<ApplicationPage> {
  const query = { page, per_page: PER_PAGE, include_totals: true, is_global: false, ...SECRET } as const;
  const found = await callAs<{ total: number; clients: Application[] }>(management.GET('/clients', { params: { query } }));
  return { applications: found.clients, total: found.total, hasMore: false };
}

async function search(q: string): Promise<ApplicationPage> {
  const query = { q: quoted(q), parser: 'lucene', take: 100, ...SECRET } as const;
  const found = await callAs<{ next?: string; clients: Application[] }>(management.GET('/clients/search', { params: { query } }));
  return { applications: found.clients, total: undefined, hasMore: found.next !== undefined };
}
