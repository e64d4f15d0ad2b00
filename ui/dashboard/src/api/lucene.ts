/** A text as Lucene's language takes it, whatever is in it: the beginning of a word, or a phrase. */
export function quoted(text: string): string {
  const plain = text.trim();
  return /^[\p{L}\p{N}_]+$/u.test(plain) ? `${plain}*` : `"${plain.replaceAll(/["\\]/g, '\\$&')}"`;
}

/** What somebody typed to find users, as a query: what names a field is one already, else it is the beginning of a value. */
export function inLucene(text: string): string {
  if (/\b[a-z_.]+:\S/.test(text)) return text;
  const plain = text.trim();
  if (plain === '') return '';
  const beginning = `${plain.replaceAll(/[^\p{L}\p{N}_]/gu, '\\$&')}*`;
  return plain.includes('@') ? `email:${beginning}` : plain.includes('|') ? `user_id:${beginning}` : beginning;
}
