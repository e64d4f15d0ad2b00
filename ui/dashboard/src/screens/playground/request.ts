// The authorize request: what an application would send, with PKCE where the flow has a code.
import type { Flow } from './explain.ts';

export interface Wish {
  clientId: string;
  audience: string | undefined;
  scope: string;
  flow: Exclude<Flow, 'client_credentials'>;
  loginHint: string | undefined;
  organization: string | undefined;
  /** Sign in anew, whoever the browser is signed in as. */
  asksAnew: boolean;
}

export interface Composed {
  url: string;
  state: string;
  nonce: string;
  /** For the exchange of the code. */
  verifier: string;
}

/** Where the server answers: a page of the dashboard, which hands the answer to the window that asked. */
export function callbackUrl(issuer: string): string {
  return new URL('dashboard/playground/callback', issuer).href;
}

/** The request as it is shown: what is new for each run is a placeholder. */
export function shownRequest(issuer: string, wish: Wish): string {
  const parameters = parametersOf(issuer, wish);
  const lines = [...parameters].map(([name, value]) => `${name}=${readable(value)}`);
  const secrets = wish.flow === 'implicit' ? ['nonce=…', 'state=…'] : ['state=…', 'code_challenge=…', 'code_challenge_method=S256'];
  return `${issuer}authorize?\n${[...lines, ...secrets].join('&\n')}`;
}

/** Encoded no more than a query needs (RFC 3986, section 3.4). */
function readable(value: string): string {
  return encodeURIComponent(value).replaceAll('%3A', ':').replaceAll('%2F', '/').replaceAll('%40', '@');
}

export async function compose(issuer: string, wish: Wish): Promise<Composed> {
  const [state, nonce, verifier] = [random(), random(), random()];
  const parameters = parametersOf(issuer, wish);
  parameters.set('state', state);
  if (wish.flow === 'implicit') parameters.set('nonce', nonce);
  else {
    const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(verifier));
    parameters.set('code_challenge', base64url(new Uint8Array(digest)));
    parameters.set('code_challenge_method', 'S256');
  }
  return { url: `${issuer}authorize?${parameters}`, state, nonce, verifier };
}

function parametersOf(issuer: string, wish: Wish): URLSearchParams {
  const parameters = new URLSearchParams();
  if (wish.audience !== undefined) parameters.set('audience', wish.audience);
  if (wish.scope !== '') parameters.set('scope', wish.scope);
  const isImplicit = wish.flow === 'implicit';
  const wantsIdToken = wish.scope.split(' ').includes('openid');
  parameters.set('response_type', isImplicit ? (wantsIdToken ? 'id_token token' : 'token') : 'code');
  parameters.set('client_id', wish.clientId);
  parameters.set('redirect_uri', callbackUrl(issuer));
  if (wish.loginHint !== undefined) parameters.set('login_hint', wish.loginHint);
  if (wish.organization !== undefined) parameters.set('organization', wish.organization);
  if (wish.asksAnew) parameters.set('prompt', 'login');
  return parameters;
}

function random(): string {
  return base64url(crypto.getRandomValues(new Uint8Array(32)));
}

function base64url(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes)).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}
