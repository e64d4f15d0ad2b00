// Every section of the dashboard, in the order of the navigation. Navigation, search and the first screen read this list.
import {
  IconApi, IconAppWindow, IconDatabase, type Icon, IconBuilding, IconHistory, IconKey, IconLayoutDashboard, IconPalette, IconPlayerPlay, IconSettings, IconUserShield, IconUsers,
} from '@tabler/icons-react';

import type { Scope } from '~/auth/scopes.ts';

export interface Section {
  /** Where it is, below `/dashboard`. */
  path: '/' | '/apis' | '/playground' | '/applications' | '/users' | '/roles' | '/organizations' | '/connections' | '/branding' | '/logs' | '/signing-keys' | '/tenant';
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
  {
    path: '/applications', label: 'Applications', icon: IconAppWindow, group: 'Access', needs: ['read:clients'],
    words: 'clients secrets callbacks client grants credentials',
  },
  { path: '/users', label: 'Users', icon: IconUsers, group: 'Access', needs: ['read:users'], words: 'people sessions consents block' },
  { path: '/roles', label: 'Roles', icon: IconUserShield, group: 'Access', needs: ['read:roles'], words: 'permissions rbac' },
  {
    path: '/organizations', label: 'Organizations', icon: IconBuilding, group: 'Access', needs: ['read:organizations'],
    words: 'customers teams members tenants',
  },
  {
    path: '/connections', label: 'Connections', icon: IconDatabase, group: 'Access', needs: ['read:connections'],
    words: 'databases passwords rules sign-up user names',
  },
  {
    path: '/branding', label: 'Branding', icon: IconPalette, group: 'Tenant', needs: ['read:branding'],
    words: 'logo colours icon login page preview',
  },
  {
    path: '/logs', label: 'Logs', icon: IconHistory, group: 'Tenant', needs: ['read:logs', 'read:logs_users'],
    words: 'events history failures live tail audit',
  },
  {
    path: '/signing-keys', label: 'Signing keys', icon: IconKey, group: 'Tenant', needs: ['read:signing_keys'],
    words: 'rotate revoke jwks certificates',
  },
  {
    path: '/tenant', label: 'Tenant settings', icon: IconSettings, group: 'Tenant', needs: ['read:tenant_settings'],
    words: 'name support sessions lifetime languages default audience',
  },
];
