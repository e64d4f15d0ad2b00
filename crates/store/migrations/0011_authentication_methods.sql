-- What users are known to have for proving who they are beside their password, keys of their devices, and what
-- administrators note on sessions and refresh tokens.
CREATE TABLE authentication_methods (
    tenant {text} NOT NULL,
    user_id {text} NOT NULL,
    id {text} NOT NULL,
    doc {text} NOT NULL,
    PRIMARY KEY (tenant, user_id, id)
) {clustered};
CREATE TABLE device_keys (
    tenant {text} NOT NULL,
    id {text} NOT NULL,
    user_id {text} NOT NULL,
    client_id {text} NOT NULL,
    device_id {text} NOT NULL,
    doc {text} NOT NULL,
    PRIMARY KEY (tenant, id),
    UNIQUE (tenant, user_id, client_id, device_id)
) {strict};
ALTER TABLE sessions ADD COLUMN metadata {text};
ALTER TABLE refresh_tokens ADD COLUMN metadata {text};
