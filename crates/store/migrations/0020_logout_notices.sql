-- Ends of sessions that applications are still to be told of. Without a client_id it is not known yet which; clients has those that
-- the session served. A notice with a successor waits for the end of that session, which took this one's place.
CREATE TABLE logout_notices (
    tenant {text} NOT NULL,
    session_id {text} NOT NULL,
    client_id {text} NOT NULL,
    user_id {text} NOT NULL,
    issuer {text} NOT NULL,
    initiator {text} NOT NULL,
    trace {text} NOT NULL,
    clients {text} NOT NULL,
    metadata {text},
    successor {text},
    attempts {int} NOT NULL,
    ended_at {int} NOT NULL,
    due_at {int} NOT NULL,
    ends_at {int} NOT NULL,
    PRIMARY KEY (tenant, session_id, client_id)
) {strict};
CREATE INDEX logout_notices_due ON logout_notices (due_at);
CREATE INDEX logout_notices_end ON logout_notices (ends_at);
CREATE INDEX logout_notices_user ON logout_notices (tenant, user_id);
-- Where the user signed in: what applications know as the issuer.
ALTER TABLE sessions ADD COLUMN issuer {text};
