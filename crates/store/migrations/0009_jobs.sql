-- Work that an administrator asked for and looks after: imports of users, mails.
CREATE TABLE jobs (
    tenant {text} NOT NULL,
    id {text} NOT NULL,
    ends_at {int} NOT NULL,
    doc {text} NOT NULL,
    errors {text},
    PRIMARY KEY (tenant, id)
) {strict};
CREATE INDEX jobs_end ON jobs (ends_at);
