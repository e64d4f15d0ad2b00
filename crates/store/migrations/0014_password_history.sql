-- Hashes of passwords that users had before, where their connection does not let them be used again.
CREATE TABLE password_history (
    tenant {text} NOT NULL,
    user_id {text} NOT NULL,
    connection {text} NOT NULL,
    password_hash {text} NOT NULL,
    ended_at {int} NOT NULL,
    PRIMARY KEY (tenant, user_id, connection, password_hash)
) {clustered};
