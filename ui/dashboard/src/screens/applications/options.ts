/** What the choices of an application are called. */
export const TYPES = [
  { value: 'spa', label: 'Single page', text: 'JavaScript in the browser. It keeps no secret and signs in with PKCE.' },
  { value: 'regular_web', label: 'Web', text: 'Pages made on a server, which keeps a secret.' },
  { value: 'native', label: 'Native', text: 'On phones, desktops and command lines. It keeps no secret.' },
  { value: 'non_interactive', label: 'Machine to machine', text: 'A service that asks in its own name, without a user.' },
] as const;

export type NewType = (typeof TYPES)[number]['value'];

/** What an application of a type begins with. */
export const BEGINNINGS: Record<NewType, { token_endpoint_auth_method: 'none' | 'client_secret_post'; grant_types: string[] }> = {
  spa: { token_endpoint_auth_method: 'none', grant_types: ['authorization_code', 'refresh_token'] },
  native: { token_endpoint_auth_method: 'none', grant_types: ['authorization_code', 'refresh_token'] },
  regular_web: { token_endpoint_auth_method: 'client_secret_post', grant_types: ['authorization_code', 'refresh_token'] },
  non_interactive: { token_endpoint_auth_method: 'client_secret_post', grant_types: ['client_credentials'] },
};

export function typeName(type: string | undefined): string {
  return TYPES.find(({ value }) => value === type)?.label ?? (type === undefined || type === '' ? 'not said' : type.replaceAll('_', ' '));
}

export const GRANT_TYPES = [
  { value: 'authorization_code', label: 'Authorization code', text: 'Users sign in on our page; the application exchanges a code.' },
  { value: 'refresh_token', label: 'Refresh token', text: 'It goes on without the user, by offline_access.' },
  { value: 'client_credentials', label: 'Client credentials', text: 'It asks in its own name, with its secret or key.' },
  { value: 'implicit', label: 'Implicit', text: 'Tokens come back through the address. For old libraries; new ones use the code.' },
  { value: 'password', label: 'Password', text: 'The application itself takes the password. For what cannot open a page.' },
  { value: 'http://auth0.com/oauth/grant-type/password-realm', label: 'Password, with a realm', text: 'The same, naming the connection.' },
  { value: 'http://auth0.com/oauth/grant-type/passwordless/otp', label: 'Passwordless', text: 'The application itself takes a code that was mailed.' },
  { value: 'urn:okta:params:oauth:grant-type:webauthn', label: 'Passkey', text: 'The application itself takes what a passkey signed.' },
  { value: 'http://auth0.com/oauth/grant-type/mfa-otp', label: 'Second factor: one-time code', text: 'Needed with Password where users have an authenticator app.' },
  { value: 'http://auth0.com/oauth/grant-type/mfa-oob', label: 'Second factor: mailed code', text: 'The same with a code by mail.' },
  { value: 'http://auth0.com/oauth/grant-type/mfa-recovery-code', label: 'Second factor: recovery code', text: 'For those who lost their authenticator app.' },
  { value: 'urn:ietf:params:oauth:grant-type:device_code', label: 'Device code', text: 'Televisions and command lines: the user signs in elsewhere.' },
  { value: 'urn:openid:params:grant-type:ciba', label: 'Asking a user elsewhere (CIBA)', text: 'The user approves by a link in a mail.' },
  { value: 'urn:ietf:params:oauth:grant-type:token-exchange', label: 'Token exchange', text: 'It exchanges a token of another kind for one of ours.' },
] as const;

export const AUTHENTICATION = [
  { value: 'none', label: 'Not at all: it keeps no secret' },
  { value: 'client_secret_post', label: 'With its secret, in the body' },
  { value: 'client_secret_basic', label: 'With its secret, in the header' },
  { value: 'private_key_jwt', label: 'With a key of its own (private_key_jwt)' },
] as const;
