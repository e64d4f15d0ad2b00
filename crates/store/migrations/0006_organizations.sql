-- Who belongs to which organization, and the roles held there. Organizations themselves are documents.
CREATE TABLE organization_members (
    tenant {text} NOT NULL,
    organization_id {text} NOT NULL,
    user_id {text} NOT NULL,
    PRIMARY KEY (tenant, organization_id, user_id)
) {clustered};
CREATE INDEX organization_members_user ON organization_members (tenant, user_id, organization_id);
CREATE TABLE organization_member_roles (
    tenant {text} NOT NULL,
    organization_id {text} NOT NULL,
    user_id {text} NOT NULL,
    role_id {text} NOT NULL,
    PRIMARY KEY (tenant, organization_id, user_id, role_id)
) {clustered};
CREATE INDEX organization_member_roles_user ON organization_member_roles (tenant, user_id);
CREATE INDEX organization_member_roles_role ON organization_member_roles (tenant, role_id);
