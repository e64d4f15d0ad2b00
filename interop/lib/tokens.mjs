// Reading tokens without judging them.

/** The claims of a JWT. */
export function claims(token) {
  return JSON.parse(Buffer.from(token.split('.')[1], 'base64url'));
}

/** Scopes as a sorted list, for comparison. */
export function scopes(text) {
  return text.split(' ').sort();
}

/** A request to the token endpoint by hand: `{status, body}`. */
export async function tokenRequest(issuer, form) {
  const response = await fetch(`${issuer}oauth/token`, { method: 'POST', body: new URLSearchParams(form) });
  return { status: response.status, body: await response.json() };
}
