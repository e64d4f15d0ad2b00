import { type Icon, IconApi } from '@tabler/icons-react';
import { useMemo } from 'react';

import { callAs, management } from '~/api/client.ts';
import { useMay } from '~/auth/session.tsx';

/** A thing of the tenant that a search found. */
export interface Found {
  kind: string;
  label: string;
  detail: string;
  href: string;
  icon: Icon;
}

type Finder = (text: string) => Promise<Found[]>;

/** Who searches for what: one for each kind of thing that may be read. */
export function useFinders(): Finder[] {
  const may = useMay();
  return useMemo(() => [...(may('read:resource_servers') ? [findApis] : [])], [may]);
}

/** How many of each kind. */
const FEW = 5;

async function findApis(text: string): Promise<Found[]> {
  const query = { q: quoted(text), parser: 'lucene', take: FEW } as const;
  const { resource_servers: apis } = await callAs<{ resource_servers: { id: string; name?: string; identifier: string }[] }>(
    management.GET('/resource-servers/search', { params: { query } }),
  );
  return apis.map((api) => ({
    kind: 'API',
    label: api.name ?? api.identifier,
    detail: api.identifier,
    href: `/dashboard/apis/${encodeURIComponent(api.id)}/settings`,
    icon: IconApi,
  }));
}

/** A text as Lucene's language takes it, whatever is in it: the beginning of a word, or a phrase. */
export function quoted(text: string): string {
  const plain = text.trim();
  return /^[\p{L}\p{N}_]+$/u.test(plain) ? `${plain}*` : `"${plain.replaceAll(/["\\]/g, '\\$&')}"`;
}
