-- The last day (since 1970-01-01) on which a scope of an API was issued to a holder: `client:ID`, `user:ID` (the application,
-- for a user) or `role:ID`. A row without a holder says since when that is noted.
CREATE TABLE scope_use (
    tenant {text} NOT NULL,
    holder {text} NOT NULL,
    audience {text} NOT NULL,
    scope {text} NOT NULL,
    day {int} NOT NULL,
    PRIMARY KEY (tenant, holder, audience, scope)
) {clustered};
-- Who holds a permission, in the order of users.
DROP INDEX user_permissions_api;
CREATE INDEX user_permissions_api ON user_permissions (tenant, api, scope, user_id);
DROP INDEX organization_member_roles_role;
CREATE INDEX organization_member_roles_role ON organization_member_roles (tenant, role_id, user_id, organization_id);
