/** The claims of a JWT, read and not verified; nothing for what is none. */
export function claimsOf(token: string): Record<string, unknown> {
  try {
    return part(token.split('.')[1] ?? '');
  } catch {
    return {};
  }
}

/** A part of a JWT: base64url of JSON. */
export function part(text: string): Record<string, unknown> {
  const bytes = Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), (c) => c.charCodeAt(0));
  return JSON.parse(new TextDecoder().decode(bytes)) as Record<string, unknown>;
}
