-- Tries that may become too many, counted for all nodes: wrong passwords, codes, sign-ups. Whom they are about lies here as a
-- digest; the address stands where an administrator has to see it. A row that is gone was never counted.
CREATE TABLE tries (
    tenant {text} NOT NULL,
    id {bytes} NOT NULL,
    whom {bytes} NOT NULL,
    origin {text} NOT NULL,
    amount {int} NOT NULL,
    ends_at {int} NOT NULL,
    PRIMARY KEY (tenant, id)
) {strict};
CREATE INDEX tries_whom ON tries (tenant, whom);
CREATE INDEX tries_end ON tries (ends_at);
