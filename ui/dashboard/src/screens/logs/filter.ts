// What a list of events is narrowed to, and that in the language of the API.

/** What a list of events is narrowed to. All of it is in the address. */
export interface LogFilter {
  /** A type of event, or the key of a family of them. */
  type?: string;
  client?: string;
  user?: string;
  q?: string;
  page?: number;
}

/** Families of types, for the choice beside the single ones. */
export const FAMILIES: Record<string, { label: string; types: readonly string[] }> = {
  failures: { label: 'Everything that failed', types: ['f', 'fp', 'fu', 'fs', 'fsa', 'feacft', 'feccft', 'fepft', 'fertft', 'fede', 'failed_on_behalf_of_token_exchange', 'fdeaz', 'fdeac', 'fdecc', 'gd_auth_failed', 'gd_recovery_failed', 'feotpft', 'fercft', 'fn', 'limit_wc', 'limit_mu'] },
  signins: { label: 'Sign-ins', types: ['s', 'ssa', 'f', 'fp', 'fu', 'fsa', 'mfar', 'gd_auth_succeed', 'gd_auth_failed', 'gd_recovery_succeed', 'gd_recovery_failed'] },
  tokens: { label: 'Tokens', types: ['seacft', 'seccft', 'sepft', 'sertft', 'sede', 'success_on_behalf_of_token_exchange', 'seotpft', 'sercft', 'feacft', 'feccft', 'fepft', 'fertft', 'fede', 'failed_on_behalf_of_token_exchange', 'feotpft', 'fercft'] },
};

/** The filter in the language of the API. */
export function inLucene({ type, client, user, q }: LogFilter): string {
  const parts: string[] = [];
  if (type !== undefined) {
    const types = FAMILIES[type]?.types ?? [type];
    parts.push(types.length === 1 ? `type:${phrase(types[0] ?? '')}` : `type:(${types.map(phrase).join(' OR ')})`);
  }
  if (client !== undefined) parts.push(`client_id:${phrase(client)}`);
  if (user !== undefined) {
    parts.push(/^[\w.-]+\|\S+$/.test(user) ? `user_id:${phrase(user)}` : `user_name:${word(user)}`);
  }
  if (q !== undefined) parts.push(/\b[a-z_.]+:\S/.test(q) ? `(${q})` : word(q));
  return parts.join(' AND ');
}

/** The beginning of a value where it is one word, a value as a whole otherwise. */
function word(text: string): string {
  const plain = text.trim();
  return /^[\p{L}\p{N}_]{2,}$/u.test(plain) ? `${plain}*` : phrase(plain);
}

function phrase(text: string): string {
  return `"${text.trim().replaceAll(/["\\]/g, '\\$&')}"`;
}
