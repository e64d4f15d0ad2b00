// A certificate of a client's own making and its key, which guard nothing but tests.
import { readFileSync } from 'node:fs';
import { request } from 'node:https';

export const certificate = `-----BEGIN CERTIFICATE-----
MIIBhTCCASugAwIBAgIUTeReO6qD0vZVBO88tPeGCmhO5PQwCgYIKoZIzj0EAwIw
FzEVMBMGA1UEAwwMYmFuay5leGFtcGxlMCAXDTI2MTEyNzAyMjQyNFoYDzIxMjYx
MTAzMDIyNDI0WjAXMRUwEwYDVQQDDAxiYW5rLmV4YW1wbGUwWTATBgcqhkjOPQIB
BggqhkjOPQMBBwNCAARfmLgELwi/a7wMgYlzjX6/fcHbjFGgDUMU69EyxoAEMgGP
Tzppvjw8uBewY7hIIlw6NjdqB+RE+Zo01dXQUlPZo1MwUTAdBgNVHQ4EFgQUuldx
pHZHQ1cmRlomd2ft4r6fxiowHwYDVR0jBBgwFoAUuldxpHZHQ1cmRlomd2ft4r6f
xiowDwYDVR0TAQH/BAUwAwEB/zAKBggqhkjOPQQDAgNIADBFAiB0fdtf4z13mQWW
MxRS89L5/r0HmGhstXnTgKb7/fOzTgIhAMTIjE6F2v9TUqTEn7qzX1nTeHYTMNSa
gjOCKtGakwjA
-----END CERTIFICATE-----
`;

const key = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgRgdWVBsi7Eog4jk+
E3AExZg5ILANQhQ5bI3uxWmfBYOhRANCAARfmLgELwi/a7wMgYlzjX6/fcHbjFGg
DUMU69EyxoAEMgGPTzppvjw8uBewY7hIIlw6NjdqB+RE+Zo01dXQUlPZ
-----END PRIVATE KEY-----
`;

/** `fetch` over TLS that trusts the server's authority and shows the certificate, or none. */
export function fetchWith(caFile, { shows = true } = {}) {
  const tls = { ca: readFileSync(caFile), agent: false, ...(shows && { cert: certificate, key }) };
  return (url, { method = 'GET', headers, body } = {}) =>
    new Promise((resolve, reject) => {
      const sent = body?.toString();
      const all = { ...Object.fromEntries(new Headers(headers)), ...(sent && { 'content-length': Buffer.byteLength(sent) }) };
      const outgoing = request(url, { method, headers: all, ...tls }, async (incoming) => {
        const chunks = await incoming.toArray();
        const { statusCode: status } = incoming;
        resolve(new Response(status === 204 ? null : Buffer.concat(chunks), { status, headers: pairs(incoming.rawHeaders) }));
      });
      outgoing.on('error', reject);
      outgoing.end(sent);
    });
}

/** Names and values in turn, as pairs: cookies come one to a line. */
function pairs(raw) {
  return raw.flatMap((name, at) => (at % 2 === 0 ? [[name, raw[at + 1]]] : []));
}
