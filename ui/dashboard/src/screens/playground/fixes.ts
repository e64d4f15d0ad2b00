// Where in the dashboard a thing is put right.
import type { Fix } from './explain.ts';

/** The address of the screen that does it; `undefined` where it is the request itself that has to change. */
export function placeOf(fix: Fix): { href: string; label: string } | undefined {
  const at = (path: string, label: string) => ({ href: `/dashboard/${path}`, label });
  const api = fix.api_id === undefined ? undefined : `apis/${encodeURIComponent(fix.api_id)}`;
  const application = fix.client_id === undefined ? undefined : `applications/${encodeURIComponent(fix.client_id)}`;
  const user = fix.user_id === undefined ? undefined : `users/${encodeURIComponent(fix.user_id)}`;
  const organization = fix.organization_id === undefined ? undefined : `organizations/${encodeURIComponent(fix.organization_id)}`;
  switch (fix.kind) {
    case 'add_scope_to_api':
      return api === undefined ? undefined : at(`${api}/permissions`, 'Open the API’s permissions');
    case 'extend_client_grant':
    case 'create_client_grant':
    case 'allow_organization':
    case 'associate_client_grant': {
      if (api === undefined) return undefined;
      const search = new URLSearchParams();
      if (fix.subject_type === 'client') search.set('access', 'client');
      if (fix.client_id !== undefined) search.set('client', fix.client_id);
      return at(`${api}/applications?${search}`, 'Open the API’s applications');
    }
    case 'allow_offline_access':
    case 'allow_online_access':
    case 'open_api':
      return api === undefined ? undefined : at(`${api}/settings`, 'Open the API’s settings');
    case 'create_api':
      return at('apis', 'Open APIs');
    case 'permit_user':
      if (organization !== undefined) return at(`${organization}/members`, 'Open the organization’s members');
      return user === undefined ? undefined : at(`${user}/roles`, 'Open the user’s roles');
    case 'unblock_user':
      return user === undefined ? undefined : at(user, 'Open the user');
    case 'enable_organization_connection':
      return organization === undefined ? undefined : at(`${organization}/connections`, 'Open the organization’s connections');
    case 'add_member':
    case 'allow_third_parties':
      return organization === undefined ? undefined : at(organization, 'Open the organization');
    case 'allow_grant_type':
    case 'make_confidential':
    case 'leave_strict_mode':
    case 'allow_organizations':
    case 'extend_refresh_policies':
    case 'enable_connection':
      return application === undefined ? undefined : at(application, 'Open the application');
    default:
      return undefined;
  }
}
