// The Management API, called with the token of whoever signed in. Every path, query and body is typed by the server's own
// description (clients/typescript).
import { managementClient } from '@chancery/management';

/** How calls get their token. The session sets it, once somebody is signed in. */
let token: () => Promise<string> = () => Promise.reject(new Error('Nobody is signed in'));

export function callWith(getter: () => Promise<string>) {
  token = getter;
}

export const management = managementClient(window.location.origin, () => token());

/** What the server said when it refused, or that it could not be reached. */
export class ApiError extends Error {
  readonly status: number;
  readonly code: string | undefined;

  constructor(status: number, message: string, code?: string) {
    super(message);
    this.name = 'ApiError';
    this.status = status;
    this.code = code;
  }
}

interface Envelope {
  message?: unknown;
  error_description?: unknown;
  error?: unknown;
  errorCode?: unknown;
}

/** The data of an answer, or an {@link ApiError} in the server's words. `T` says what the description leaves open. */
export async function call<T>(answer: Promise<{ data?: T; error?: unknown; response: Response }>): Promise<T> {
  let settled;
  try {
    settled = await answer;
  } catch (error) {
    if (error instanceof TypeError) throw new ApiError(0, 'The server cannot be reached.');
    throw error;
  }
  const { data, error, response } = settled;
  if (!response.ok) throw refused(response, error);
  return data as T;
}

/** As {@link call}, where the description says nothing of the answer. */
export function callAs<T>(answer: Promise<{ data?: unknown; error?: unknown; response: Response }>): Promise<T> {
  return call(answer as Promise<{ data?: T; error?: unknown; response: Response }>);
}

/** Operations beside the Management API of the wire: `/api/chancery/v1/...`. */
export async function extension<T>(path: string, body: unknown): Promise<T> {
  return callAs<T>(
    (async () => {
      const response = await fetch(`/api/chancery/v1/${path}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: `Bearer ${await token()}` },
        body: JSON.stringify(body),
      });
      const json: unknown = await response.json().catch(() => undefined);
      return response.ok ? { data: json, response } : { error: json, response };
    })(),
  );
}

/** As {@link extension}, for what is only read. */
export async function readExtension<T>(path: string): Promise<T> {
  return callAs<T>(
    (async () => {
      const response = await fetch(`/api/chancery/v1/${path}`, { headers: { authorization: `Bearer ${await token()}` } });
      const json: unknown = await response.json().catch(() => undefined);
      return response.ok ? { data: json, response } : { error: json, response };
    })(),
  );
}

function refused(response: Response, error: unknown): ApiError {
  const envelope: Envelope = typeof error === 'object' && error !== null ? error : {};
  const text = (value: unknown) => (typeof value === 'string' && value !== '' ? value : undefined);
  const message = text(envelope.message) ?? text(envelope.error_description) ?? `The server answered ${response.status}.`;
  return new ApiError(response.status, message, text(envelope.errorCode) ?? text(envelope.error));
}
