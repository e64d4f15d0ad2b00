// Every section of the dashboard, in the order of the navigation. Navigation, search and the first screen read this list.
import { IconApi, type Icon, IconLayoutDashboard, IconPlayerPlay } from '@tabler/icons-react';

import type { Scope } from '~/auth/scopes.ts';

export interface Section {
  /** Where it is, below `/dashboard`. */
  path: '/' | '/apis' | '/playground';
  label: string;
  icon: Icon;
  /** Heading in the navigation. */
  group?: string;
  /** One of these is needed to see it. */
  needs: readonly Scope[];
  /** More words that find it. */
  words?: string;
}

export const SECTIONS: readonly Section[] = [
  { path: '/', label: 'Overview', icon: IconLayoutDashboard, needs: ['read:stats', 'read:logs'], words: 'home statistics logins' },
  {
    path: '/playground', label: 'Playground', icon: IconPlayerPlay, needs: ['read:clients'],
    words: 'authorize request try explain scope token',
  },
  {
    path: '/apis', label: 'APIs', icon: IconApi, group: 'Access', needs: ['read:resource_servers'],
    words: 'resource servers scopes permissions audience',
  },
];
