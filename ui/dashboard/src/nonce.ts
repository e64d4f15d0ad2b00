/** The nonce of this page's content security policy. Browsers hide it from everything but scripts. */
export function nonce(): string {
  return document.querySelector<HTMLMetaElement>('meta[property="csp-nonce"]')?.nonce ?? '';
}
