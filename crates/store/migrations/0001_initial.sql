-- Times are epoch seconds unless a column says ms. Documents are text, not {json}: what was stored comes back byte for
-- byte on both engines, in the order of its members, and U+0000 inside a string is no error.

CREATE TABLE tenants (
    id {text} NOT NULL PRIMARY KEY,
    config_rev {int} NOT NULL,
    origins_rev {int} NOT NULL
) {strict};

CREATE TABLE tenant_origins (
    origin {text} NOT NULL PRIMARY KEY,
    tenant {text} NOT NULL,
    position {int} NOT NULL
) {strict};
CREATE INDEX tenant_origins_tenant ON tenant_origins (tenant, position);

CREATE TABLE docs (
    tenant {text} NOT NULL,
    kind {text} NOT NULL,
    id {text} NOT NULL,
    uniq {text},
    rev {int} NOT NULL,
    doc {text} NOT NULL,
    PRIMARY KEY (tenant, kind, id),
    UNIQUE (tenant, kind, uniq)
) {strict};

CREATE TABLE changes (
    tenant {text} NOT NULL,
    seq {int} NOT NULL,
    kind {text} NOT NULL,
    id {text} NOT NULL,
    PRIMARY KEY (tenant, seq, kind, id)
) {strict};

CREATE TABLE users (
    tenant {text} NOT NULL,
    id {text} NOT NULL,
    connection {text} NOT NULL,
    email {text},
    username {text},
    created_ms {int} NOT NULL,
    updated_ms {int} NOT NULL,
    last_login_ms {int},
    last_ip {text},
    logins_count {int} NOT NULL,
    password_reset_ms {int},
    doc {text} NOT NULL,
    PRIMARY KEY (tenant, id)
) {strict};
CREATE INDEX users_email ON users (tenant, email);
CREATE INDEX users_created ON users (tenant, created_ms, id);

CREATE TABLE credentials (
    tenant {text} NOT NULL,
    connection {text} NOT NULL,
    user_id {text} NOT NULL,
    email {text},
    username {text},
    password_hash {text},
    PRIMARY KEY (tenant, connection, user_id),
    UNIQUE (tenant, connection, email),
    UNIQUE (tenant, connection, username)
) {strict};
CREATE INDEX credentials_user ON credentials (tenant, user_id);

CREATE TABLE user_roles (
    tenant {text} NOT NULL,
    user_id {text} NOT NULL,
    role_id {text} NOT NULL,
    PRIMARY KEY (tenant, user_id, role_id)
) {strict};
CREATE INDEX user_roles_role ON user_roles (tenant, role_id, user_id);

CREATE TABLE user_permissions (
    tenant {text} NOT NULL,
    user_id {text} NOT NULL,
    api {text} NOT NULL,
    scope {text} NOT NULL,
    PRIMARY KEY (tenant, user_id, api, scope)
) {strict};
CREATE INDEX user_permissions_api ON user_permissions (tenant, api, scope);

-- ends_at is the earlier of the absolute and the idle end: what the sweep looks at.
CREATE TABLE sessions (
    tenant {text} NOT NULL,
    id {text} NOT NULL,
    digest {bytes} NOT NULL,
    user_id {text} NOT NULL,
    created_at {int} NOT NULL,
    authenticated_at {int} NOT NULL,
    last_active_at {int} NOT NULL,
    expires_at {int} NOT NULL,
    idle_expires_at {int} NOT NULL,
    ends_at {int} NOT NULL,
    connection {text} NOT NULL,
    clients {text} NOT NULL,
    initial_ip {text},
    initial_user_agent {text},
    PRIMARY KEY (tenant, id)
) {strict};
CREATE INDEX sessions_user ON sessions (tenant, user_id);
CREATE INDEX sessions_end ON sessions (ends_at);

CREATE TABLE transactions (
    tenant {text} NOT NULL,
    id {text} NOT NULL,
    digest {bytes} NOT NULL,
    rev {int} NOT NULL,
    ends_at {int} NOT NULL,
    doc {text} NOT NULL,
    PRIMARY KEY (tenant, id)
) {strict};
CREATE INDEX transactions_end ON transactions (ends_at);

CREATE TABLE codes (
    tenant {text} NOT NULL,
    id {text} NOT NULL,
    digest {bytes} NOT NULL,
    authorization_id {text} NOT NULL,
    user_id {text} NOT NULL,
    client_id {text} NOT NULL,
    audience {text} NOT NULL,
    session_id {text},
    spent {bool} NOT NULL,
    ends_at {int} NOT NULL,
    doc {text} NOT NULL,
    PRIMARY KEY (tenant, id)
) {strict};
CREATE INDEX codes_authorization ON codes (tenant, authorization_id);
CREATE INDEX codes_user ON codes (tenant, user_id, client_id);
CREATE INDEX codes_client ON codes (tenant, client_id);
CREATE INDEX codes_end ON codes (ends_at);

CREATE TABLE refresh_tokens (
    tenant {text} NOT NULL,
    id {text} NOT NULL,
    digest {bytes} NOT NULL,
    authorization_id {text} NOT NULL,
    user_id {text} NOT NULL,
    client_id {text} NOT NULL,
    audience {text} NOT NULL,
    session_id {text},
    rotating {bool} NOT NULL,
    created_at {int} NOT NULL,
    expires_at {int},
    idle_expires_at {int},
    ends_at {int} NOT NULL,
    rotated_at {int},
    next_id {text},
    last_exchanged_at {int},
    doc {text} NOT NULL,
    PRIMARY KEY (tenant, id)
) {strict};
CREATE INDEX refresh_tokens_authorization ON refresh_tokens (tenant, authorization_id);
CREATE INDEX refresh_tokens_user ON refresh_tokens (tenant, user_id, client_id);
CREATE INDEX refresh_tokens_client ON refresh_tokens (tenant, client_id);
CREATE INDEX refresh_tokens_end ON refresh_tokens (ends_at);

CREATE TABLE opaque_tokens (
    tenant {text} NOT NULL,
    id {text} NOT NULL,
    digest {bytes} NOT NULL,
    authorization_id {text} NOT NULL,
    user_id {text} NOT NULL,
    client_id {text} NOT NULL,
    audience {text} NOT NULL,
    session_id {text},
    ends_at {int} NOT NULL,
    doc {text} NOT NULL,
    PRIMARY KEY (tenant, id)
) {strict};
CREATE INDEX opaque_tokens_authorization ON opaque_tokens (tenant, authorization_id);
CREATE INDEX opaque_tokens_user ON opaque_tokens (tenant, user_id, client_id);
CREATE INDEX opaque_tokens_client ON opaque_tokens (tenant, client_id);
CREATE INDEX opaque_tokens_end ON opaque_tokens (ends_at);

-- Families that were revoked. A rotation in flight may insert its successor just after the revocation deleted what it
-- saw; the tombstone makes that successor worthless. noticed_at is 0 until the sweep has seen the row.
CREATE TABLE revoked (
    tenant {text} NOT NULL,
    authorization_id {text} NOT NULL,
    noticed_at {int} NOT NULL,
    PRIMARY KEY (tenant, authorization_id)
) {strict};
CREATE INDEX revoked_noticed ON revoked (noticed_at);

CREATE TABLE consents (
    tenant {text} NOT NULL,
    id {text} NOT NULL,
    user_id {text} NOT NULL,
    client_id {text} NOT NULL,
    audience {text} NOT NULL,
    organization_id {text} NOT NULL,
    implicit {bool} NOT NULL,
    scope {text} NOT NULL,
    PRIMARY KEY (tenant, id),
    UNIQUE (tenant, user_id, client_id, audience, organization_id)
) {strict};
CREATE INDEX consents_client ON consents (tenant, client_id);
CREATE INDEX consents_audience ON consents (tenant, audience);

CREATE TABLE tickets (
    tenant {text} NOT NULL,
    id {text} NOT NULL,
    digest {bytes} NOT NULL,
    user_id {text} NOT NULL,
    spent {bool} NOT NULL,
    ends_at {int} NOT NULL,
    doc {text} NOT NULL,
    PRIMARY KEY (tenant, id)
) {strict};
CREATE INDEX tickets_user ON tickets (tenant, user_id);
CREATE INDEX tickets_end ON tickets (ends_at);

CREATE TABLE assertions (
    tenant {text} NOT NULL,
    digest {bytes} NOT NULL,
    ends_at {int} NOT NULL,
    PRIMARY KEY (tenant, digest)
) {strict};
CREATE INDEX assertions_end ON assertions (ends_at);

CREATE TABLE logs (
    tenant {text} NOT NULL,
    id {text} NOT NULL,
    at_ms {int} NOT NULL,
    user_id {text},
    doc {text} NOT NULL,
    PRIMARY KEY (tenant, id)
) {clustered};
CREATE INDEX logs_user ON logs (tenant, user_id, id) WHERE user_id IS NOT NULL;
CREATE INDEX logs_at ON logs (at_ms);
