-- Groups of users that a company's directory keeps, and the roles that groups give: in the tenant (no organization), or in
-- an organization. `account` is the id that a member's account was made with, `user_id` the user it belongs to now.
CREATE TABLE user_groups (
    tenant {text} NOT NULL,
    id {text} NOT NULL,
    connection_id {text} NOT NULL,
    name {text} NOT NULL,
    external_id {text},
    created_at {int} NOT NULL,
    updated_at {int} NOT NULL,
    PRIMARY KEY (tenant, id),
    UNIQUE (tenant, connection_id, name),
    UNIQUE (tenant, connection_id, external_id)
) {strict};
CREATE TABLE group_members (
    tenant {text} NOT NULL,
    group_id {text} NOT NULL,
    account {text} NOT NULL,
    user_id {text} NOT NULL,
    created_at {int} NOT NULL,
    PRIMARY KEY (tenant, group_id, account)
) {clustered};
-- Pages of holders read each group in the order of users.
CREATE INDEX group_members_group ON group_members (tenant, group_id, user_id);
CREATE INDEX group_members_user ON group_members (tenant, user_id, group_id);
CREATE TABLE group_roles (
    tenant {text} NOT NULL,
    group_id {text} NOT NULL,
    organization_id {text} NOT NULL,
    role_id {text} NOT NULL,
    PRIMARY KEY (tenant, group_id, organization_id, role_id)
) {clustered};
CREATE INDEX group_roles_role ON group_roles (tenant, role_id, organization_id, group_id);
CREATE INDEX group_members_account ON group_members (tenant, account, group_id);
