-- A rotating refresh token keeps one row through all its exchanges, instead of a new one for each: see
-- `refresh_tokens.rs`. `digest` is that of the newest secret; `siblings` holds those of other secrets that are as good
-- (handed out within the leeway), `previous` those of the secrets replaced last, 32 bytes each, one after the other.
-- Tokens that were spent before are forgotten: they are unknown from now on.
-- Contracts: the table of older releases goes.
CREATE TABLE refresh_chains (
    tenant {text} NOT NULL,
    id {text} NOT NULL,
    digest {bytes} NOT NULL,
    siblings {bytes},
    previous {bytes},
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
    last_exchanged_at {int},
    doc {text} NOT NULL,
    PRIMARY KEY (tenant, id)
) {strict};
INSERT INTO refresh_chains (tenant, id, digest, authorization_id, user_id, client_id, audience, session_id, rotating,
    created_at, expires_at, idle_expires_at, ends_at, last_exchanged_at, doc)
    SELECT tenant, id, digest, authorization_id, user_id, client_id, audience, session_id, rotating,
        created_at, expires_at, idle_expires_at, ends_at, last_exchanged_at, doc
    FROM refresh_tokens WHERE rotated_at IS NULL;
DROP TABLE refresh_tokens;
ALTER TABLE refresh_chains RENAME TO refresh_tokens;
CREATE INDEX refresh_tokens_authorization ON refresh_tokens (tenant, authorization_id);
CREATE INDEX refresh_tokens_user ON refresh_tokens (tenant, user_id, client_id);
CREATE INDEX refresh_tokens_client ON refresh_tokens (tenant, client_id);
CREATE INDEX refresh_tokens_end ON refresh_tokens (ends_at);
