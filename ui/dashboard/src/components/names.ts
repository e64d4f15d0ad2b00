// What people, applications and organizations are called: words of others, which may be empty, invisible, or written from the
// right to the left.

type Name = string | null | undefined;

/** The first name that shows anything, so that it cannot turn the words around it. */
export function firstName(...names: Name[]): string {
  return isolated(names.find((name) => !isBlank(name)) ?? '');
}

/** A text that stands by itself within a sentence. What steers the direction of writing is left out. */
export function isolated(text: string): string {
  const plain = text.replaceAll(/\p{Bidi_Control}/gu, '');
  return RIGHT_TO_LEFT.test(plain) ? `\u2068${plain}\u2069` : plain;
}

/** Whether somebody typed a name as far as they can see it: neither spaces nor what cannot be seen must agree. */
export function isTyped(typed: string, name: string): boolean {
  const seen = (text: string) => text.replaceAll(/\p{C}/gu, '').replaceAll(/\s+/gu, ' ').trim();
  return seen(typed) === seen(name);
}

/** Letters that are written from the right: Hebrew, Arabic, and those between and behind them. */
const RIGHT_TO_LEFT = /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc\u{10800}-\u{10fff}\u{1e800}-\u{1efff}]/u;

function isBlank(name: Name): name is null | undefined {
  return name === undefined || name === null || /^[\s\p{C}\p{Z}\u115f\u1160\u3164\uffa0]*$/u.test(name);
}
