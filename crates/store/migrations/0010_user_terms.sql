-- The index that searches for users look into: a row for each value of a field of a user (`core/src/search/postings.rs` says
-- which). `at` is when the user was made, in milliseconds: within a value users lie in the order in which lists show them.
-- Contracts: older releases do not index the users that they write.
CREATE TABLE user_terms (
    tenant {text} NOT NULL,
    user_id {text} NOT NULL,
    field {text} NOT NULL,
    value {text} NOT NULL,
    at {int} NOT NULL,
    PRIMARY KEY (tenant, user_id, field, value)
) {clustered};
CREATE INDEX user_terms_value ON user_terms (tenant, field, value, at, user_id);
-- Users who are not in the index yet. The server puts them there when it starts, since that means reading documents.
CREATE TABLE unindexed_users (
    tenant {text} NOT NULL,
    id {text} NOT NULL,
    PRIMARY KEY (tenant, id)
) {clustered};
INSERT INTO unindexed_users (tenant, id) SELECT tenant, id FROM users;
