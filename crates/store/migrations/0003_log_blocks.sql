-- Log events that name no user (an API called by machines has thousands a second) lie together, compressed: see
-- `log_blocks.rs`. `count` is the number of events in `body`.
CREATE TABLE log_blocks (
    tenant {text} NOT NULL,
    first_id {text} NOT NULL,
    last_id {text} NOT NULL,
    at_ms {int} NOT NULL,
    count {int} NOT NULL,
    body {bytes} NOT NULL,
    PRIMARY KEY (tenant, first_id)
) {clustered};
CREATE INDEX log_blocks_at ON log_blocks (at_ms);
