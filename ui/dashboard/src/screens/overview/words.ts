/** How long ago, in one unit. */
export function ago(date: string): string {
  const seconds = Math.max(0, (Date.now() - Date.parse(date)) / 1000);
  for (const [unit, size] of [['day', 86_400], ['hour', 3600], ['minute', 60]] as const) {
    if (seconds >= size) return counted(Math.floor(seconds / size), unit);
  }
  return counted(Math.floor(seconds), 'second');
}

function counted(count: number, unit: string): string {
  return count === 1 ? `1 ${unit}` : `${count} ${unit}s`;
}

const TYPES: Record<string, string> = {
  f: 'Sign-in refused',
  fp: 'Wrong password',
  fu: 'Nobody with this name',
  fs: 'Sign-up refused',
  fsa: 'Silent sign-in refused',
  feacft: 'Code not exchanged',
  feccft: 'No token for a machine',
  fertft: 'Refresh token refused',
  fepft: 'No token for a password',
  limit_wc: 'Blocked after wrong passwords',
  limit_mu: 'Address blocked',
};

/** A type of event for people. */
export function typeInWords(type: string): string {
  return TYPES[type] ?? type;
}
