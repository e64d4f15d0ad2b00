-- A user may sign in with several accounts, of one connection too: `account` is the id the account was made with, `user_id`
-- the user it belongs to now.
-- Contracts: the table of older releases goes.
CREATE TABLE linked_credentials (
    tenant {text} NOT NULL,
    connection {text} NOT NULL,
    account {text} NOT NULL,
    user_id {text} NOT NULL,
    email {text},
    username {text},
    password_hash {text},
    PRIMARY KEY (tenant, connection, account),
    UNIQUE (tenant, connection, email),
    UNIQUE (tenant, connection, username)
) {strict};
INSERT INTO linked_credentials (tenant, connection, account, user_id, email, username, password_hash)
    SELECT tenant, connection, user_id, user_id, email, username, password_hash FROM credentials;
DROP TABLE credentials;
ALTER TABLE linked_credentials RENAME TO credentials;
CREATE INDEX credentials_user ON credentials (tenant, user_id);
