-- Applications that are to be told that their user answered (CIBA ping). A row is written with the request, becomes due with the answer, and
-- holds sealed what the application is told and what it knows us by.
CREATE TABLE backchannel_pings (
    tenant {text} NOT NULL,
    id {text} NOT NULL,
    client_id {text} NOT NULL,
    sealed {text} NOT NULL,
    attempts {int} NOT NULL,
    due_at {int} NOT NULL,
    ends_at {int} NOT NULL,
    PRIMARY KEY (tenant, id)
) {strict};
CREATE INDEX backchannel_pings_due ON backchannel_pings (due_at);
CREATE INDEX backchannel_pings_end ON backchannel_pings (ends_at);
