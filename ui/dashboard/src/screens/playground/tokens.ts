// From the answer of the server to tokens.
import { call, management } from '~/api/client.ts';

import type { Answer } from './answers.ts';
import type { Composed, Wish } from './request.ts';
import { callbackUrl } from './request.ts';

export interface Tokens {
  access_token?: string;
  id_token?: string;
  refresh_token?: string;
  scope?: string;
  expires_in?: number | string;
  token_type?: string;
}

interface Wire extends Tokens {
  error?: string;
  error_description?: string;
}

/** What the application would end up with. */
export async function tokensOf(issuer: string, wish: Wish, composed: Composed, answer: Answer, secret: string | undefined): Promise<Tokens> {
  const { parameters } = answer;
  refuse(parameters);
  if (parameters.code === undefined) return parameters;
  return post(issuer, {
    grant_type: 'authorization_code',
    client_id: wish.clientId,
    ...(secret === undefined ? {} : { client_secret: secret }),
    code: parameters.code,
    code_verifier: composed.verifier,
    redirect_uri: callbackUrl(issuer),
  });
}

/** What a machine asks for in its own name. */
export interface MachineWish {
  clientId: string;
  audience: string;
  scope: string;
  organization: string | undefined;
}

export function machineTokens(issuer: string, wish: MachineWish, secret: string | undefined): Promise<Tokens> {
  return post(issuer, {
    grant_type: 'client_credentials',
    client_id: wish.clientId,
    ...(secret === undefined ? {} : { client_secret: secret }),
    audience: wish.audience,
    ...(wish.scope === '' ? {} : { scope: wish.scope }),
    ...(wish.organization === undefined ? {} : { organization: wish.organization }),
  });
}

/** An application's secret, read for one request and kept nowhere; `undefined` for public applications. */
export async function secretOf(id: string): Promise<string | undefined> {
  const query = { fields: 'client_secret,token_endpoint_auth_method', include_fields: true };
  const found = await call<{ client_secret?: string; token_endpoint_auth_method?: string }>(
    management.GET('/clients/{id}', { params: { path: { id }, query } }),
  );
  return found.token_endpoint_auth_method === 'none' ? undefined : found.client_secret;
}

async function post(issuer: string, body: Record<string, string>): Promise<Tokens> {
  const response = await fetch(new URL('oauth/token', issuer), {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  const wire = (await response.json()) as Wire;
  refuse(wire);
  return wire;
}

function refuse(wire: { error?: string; error_description?: string }) {
  if (wire.error !== undefined) throw new Error(`${wire.error}: ${wire.error_description ?? 'no description'}`);
}
