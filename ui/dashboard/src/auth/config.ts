import { ApiError } from '~/api/client.ts';

/** What the dashboard signs in with at the tenant called. */
export interface Config {
  client_id: string;
  audience: string;
}

export async function loadConfig(): Promise<Config> {
  const response = await fetch('/dashboard/config.json', { headers: { accept: 'application/json' } });
  if (!response.ok) throw new ApiError(response.status, await response.text());
  return (await response.json()) as Config;
}
