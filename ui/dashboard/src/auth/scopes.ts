// What the dashboard asks for when somebody signs in. Whoever does not hold a scope gets a token without it, and sees the
// dashboard without what needs it.

const READ_AND_WRITE = [
  'clients', 'client_grants', 'client_credentials', 'resource_servers', 'roles', 'role_members', 'users', 'connections',
  'organizations', 'organization_members', 'organization_member_roles', 'organization_connections',
  'organization_invitations', 'organization_client_grants', 'grants', 'sessions', 'refresh_tokens', 'email_provider',
  'email_templates', 'prompts', 'branding', 'tenant_settings', 'signing_keys', 'custom_domains',
] as const;

const OTHERS = [
  'read:client_keys', 'update:client_keys', 'read:stats', 'read:logs', 'read:logs_users', 'create:user_tickets',
  'read:guardian_factors', 'update:guardian_factors', 'read:mfa_policies', 'update:mfa_policies',
] as const;

type Verb = 'read' | 'create' | 'update' | 'delete';

/** A scope of the Management API that the dashboard knows. */
export type Scope = `${Verb}:${(typeof READ_AND_WRITE)[number]}` | (typeof OTHERS)[number];

export const ASKED_FOR: readonly string[] = [
  ...READ_AND_WRITE.flatMap((thing) => ['read', 'create', 'update', 'delete'].map((verb) => `${verb}:${thing}`)),
  ...OTHERS,
];
