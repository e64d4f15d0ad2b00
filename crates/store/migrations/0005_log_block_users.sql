-- Log events that name a user lie in blocks too: this says in which, once for each user and block.
CREATE TABLE log_block_users (
    tenant {text} NOT NULL,
    user_id {text} NOT NULL,
    first_id {text} NOT NULL,
    at_ms {int} NOT NULL,
    PRIMARY KEY (tenant, user_id, first_id)
) {clustered};
CREATE INDEX log_block_users_at ON log_block_users (at_ms);
