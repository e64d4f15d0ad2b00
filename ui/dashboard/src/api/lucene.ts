/** A text as Lucene's language takes it, whatever is in it: the beginning of a word, or a phrase. */
export function quoted(text: string): string {
  const plain = text.trim();
  return /^[\p{L}\p{N}_]+$/u.test(plain) ? `${plain}*` : `"${plain.replaceAll(/["\\]/g, '\\$&')}"`;
}
