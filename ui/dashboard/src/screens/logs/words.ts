// Events for people. The letters are the wire's (`type`), the sentences ours.
import { firstName } from '~/components/names.ts';

import type { LogEvent } from './data.ts';

interface Kind {
  label: string;
  /** What happened, with who and what filled in. */
  says: (event: Named) => string;
}

interface Named {
  user: string;
  application: string;
  api: string;
}

export const KINDS: Record<string, Kind> = {
  s: { label: 'Signed in', says: ({ user, application }) => `${user} signed in to ${application}` },
  ssa: { label: 'Signed in silently', says: ({ user, application }) => `${application} renewed the sign-in of ${user}` },
  f: { label: 'Sign-in refused', says: ({ user, application }) => `A sign-in of ${user} to ${application} was refused` },
  fp: { label: 'Wrong password', says: ({ user, application }) => `Wrong password for ${user} at ${application}` },
  fu: { label: 'Unknown user', says: ({ user, application }) => `Nobody is called ${user}: sign-in to ${application} refused` },
  fsa: { label: 'Silent sign-in refused', says: ({ application }) => `${application} asked in silence, and somebody has to be seen` },
  ss: { label: 'Signed up', says: ({ user, application }) => `${user} signed up at ${application}` },
  fs: { label: 'Sign-up refused', says: ({ user }) => `A sign-up of ${user} was refused` },
  slo: { label: 'Signed out', says: ({ user }) => `${user} signed out` },
  scp: { label: 'Password changed', says: ({ user }) => `${user} changed the password` },
  scpr: { label: 'Password change asked for', says: ({ user }) => `A change of password was asked for ${user}` },
  sv: { label: 'Address confirmed', says: ({ user }) => `${user} confirmed the address` },
  seacft: { label: 'Code exchanged', says: ({ application, user, api }) => `${application} got tokens for ${user}${api}` },
  feacft: { label: 'Code not exchanged', says: ({ application }) => `${application} got no tokens for its code` },
  seccft: { label: 'Token for a machine', says: ({ application, api }) => `${application} got a token of its own${api}` },
  feccft: { label: 'No token for a machine', says: ({ application, api }) => `${application} got no token of its own${api}` },
  sepft: { label: 'Token for a password', says: ({ application, user, api }) => `${application} got tokens with the password of ${user}${api}` },
  fepft: { label: 'No token for a password', says: ({ application, user }) => `${application} got no tokens with the password of ${user}` },
  sertft: { label: 'Refreshed', says: ({ application, user, api }) => `${application} refreshed its tokens for ${user}${api}` },
  fertft: { label: 'Refresh refused', says: ({ application }) => `A refresh token of ${application} was refused` },
  sede: { label: 'Tokens for a device', says: ({ application, user, api }) => `${application} got tokens for a device of ${user}${api}` },
  fede: { label: 'No tokens for a device', says: ({ application }) => `A device with ${application} got no tokens` },
  success_on_behalf_of_token_exchange: { label: 'Passed on', says: ({ application, user, api }) => `${application} got a token to go on for ${user}${api}` },
  failed_on_behalf_of_token_exchange: { label: 'Not passed on', says: ({ application }) => `${application} got no token for the user of another` },
  fdeaz: { label: 'Device not begun', says: ({ application }) => `A device with ${application} could not ask for a sign-in` },
  fdeac: { label: 'Wrong code of a device', says: () => 'Somebody entered a code that no device waits with' },
  fdecc: { label: 'Device refused', says: ({ application }) => `Somebody refused to let a device with ${application} in` },
  mfar: { label: 'Second factor due', says: ({ application, user }) => `${application} was asked for the second factor of ${user}` },
  gd_auth_succeed: { label: 'Second factor shown', says: ({ user }) => `${user} showed a second factor` },
  gd_auth_failed: { label: 'Wrong one-time code', says: ({ user }) => `A wrong one-time code was entered for ${user}` },
  gd_start_enroll: { label: 'Second factor begun', says: ({ user }) => `${user} began to set up a second factor` },
  gd_enrollment_complete: { label: 'Second factor set up', says: ({ user }) => `${user} set up a second factor` },
  gd_recovery_succeed: { label: 'Recovery code used', says: ({ user }) => `${user} used the recovery code` },
  gd_webauthn_challenge_failed: { label: 'Key refused', says: ({ user }) => `A security key was refused for ${user}` },
  gd_webauthn_enrollment_failed: { label: 'New key refused', says: ({ user }) => `A new security key was refused for ${user}` },
  gd_unenroll: { label: 'Second factor removed', says: ({ user }) => `${user} removed a second factor` },
  gd_recovery_failed: { label: 'Wrong recovery code', says: ({ user }) => `A wrong recovery code was entered for ${user}` },
  seotpft: { label: 'Tokens for a one-time code', says: ({ application, user, api }) => `${application} got tokens with a one-time code of ${user}${api}` },
  feotpft: { label: 'No tokens for a one-time code', says: ({ application }) => `${application} got no tokens for a one-time code` },
  sercft: { label: 'Tokens for a recovery code', says: ({ application, user, api }) => `${application} got tokens with the recovery code of ${user}${api}` },
  fercft: { label: 'No tokens for a recovery code', says: ({ application }) => `${application} got no tokens for a recovery code` },
  srrt: { label: 'Refresh token revoked', says: ({ application, user }) => `A refresh token of ${application} for ${user} was revoked` },
  fn: { label: 'Message not sent', says: ({ user }) => `A message to ${user} could not be sent` },
  limit_wc: { label: 'Blocked after wrong passwords', says: ({ user }) => `${user} is blocked after too many wrong passwords` },
  limit_mu: { label: 'Address blocked', says: () => 'An address is blocked after too many attempts' },
  sapi: { label: 'Changed', says: ({ user, application }) => `${user === SOMEBODY ? application : user} changed something` },
};

const SOMEBODY = 'somebody';

/** `Signed in`; the letters where there is no word for them. */
export function kindOf(type: string): string {
  return kind(type)?.label ?? type;
}

/** Letters that mean nothing here have no kind, whatever objects inherit. */
function kind(type: string): Kind | undefined {
  return Object.hasOwn(KINDS, type) ? KINDS[type] : undefined;
}

/** Everything whose letters begin so did not work; what blocks is no success either. */
export function hasFailed(type: string): boolean {
  return type.startsWith('f') || type.startsWith('limit_') || type.endsWith('_failed');
}

/** `POST /roles` as `added to roles`; anything else as it is. */
function operationInWords(description: string): string {
  const [, method = '', path = ''] = /^([A-Z]+) \/(\S+)$/.exec(description) ?? [];
  const verb = VERBS[method];
  if (verb === undefined) return description;
  const parts = path.split('/').filter((part) => !part.startsWith('{')).map((part) => part.replaceAll(/[-_]/g, ' '));
  const last = parts.at(-1) ?? '';
  if (method !== 'DELETE' && ACTIONS.test(last)) return `${last} of ${parts.slice(0, -1).join(', ')}`;
  return `${verb} ${parts.join(', ')}`;
}

/** Parts of a path that are no things. */
const ACTIONS = /^(rotate|revoke|clear|try|reset|rekey)\b/;

const VERBS: Record<string, string> = { POST: 'added to', PATCH: 'changed', PUT: 'set', DELETE: 'removed from' };

/** An event in a sentence. */
export function inWords(event: LogEvent): string {
  const named: Named = {
    user: firstName(event.user_name, event.user_id, SOMEBODY),
    application: firstName(event.client_name, event.client_id, 'an application'),
    api: event.audience ? ` for ${event.audience}` : '',
  };
  const sentence = kind(event.type)?.says(named);
  // Calls of the Management API say themselves what they did.
  if (event.type === 'sapi' && event.description) {
    const who = named.user === SOMEBODY ? named.application : named.user;
    return `${who}: ${operationInWords(event.description)}`;
  }
  return sentence ?? event.description ?? event.type;
}
