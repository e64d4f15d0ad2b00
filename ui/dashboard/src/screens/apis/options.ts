/** What the choices of an API are called. */
export const ALGORITHMS = [
  { value: 'RS256', label: 'RS256' },
  { value: 'PS256', label: 'PS256' },
  { value: 'RS512', label: 'RS512' },
  { value: 'ES256', label: 'ES256, small tokens' },
  { value: 'EdDSA', label: 'EdDSA (Ed25519), small tokens' },
  { value: 'HS256', label: 'HS256, a secret shared with the API' },
];

export const DIALECTS = [
  { value: 'access_token', label: 'Auth0’s claims' },
  { value: 'access_token_authz', label: 'Auth0’s claims, with permissions' },
  { value: 'rfc9068_profile', label: 'RFC 9068' },
  { value: 'rfc9068_profile_authz', label: 'RFC 9068, with permissions' },
];

export const USER_POLICIES = [
  { value: 'allow_all', label: 'Any application of the tenant may ask' },
  { value: 'require_client_grant', label: 'Only applications with a client grant' },
  { value: 'deny_all', label: 'None' },
];

export const CLIENT_POLICIES = [
  { value: 'require_client_grant', label: 'Only applications with a client grant' },
  { value: 'deny_all', label: 'None' },
];

export const POP_FOR = [
  { value: 'all_clients', label: 'All applications' },
  { value: 'public_clients', label: 'Public applications' },
];

/** How users are asked for a scope. */
export const CONSENTS = [
  { value: 'required', label: 'all or nothing', text: 'it comes with the others: the user accepts or declines them together.' },
  { value: 'optional', label: 'can be unticked', text: 'a box of its own, ticked at first. Unticked, the application goes on without it.' },
  { value: 'sensitive', label: 'must be ticked', text: 'a box of its own, marked and unticked at first: nobody gives it without having said so.' },
];

export const CONSENT_CHOICES = CONSENTS.map(({ value, label }) => ({ value, label }));
