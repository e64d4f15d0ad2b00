-- Reading a company's directory: the last run for each connection, and the accounts that a directory was seen to keep. `shut` says
-- that the block of the account is the directory's, `gone` that the directory did not name it any more.
CREATE TABLE directory_runs (
    tenant {text} NOT NULL,
    connection_id {text} NOT NULL,
    id {text} NOT NULL,
    status {text} NOT NULL,
    error {text},
    alive_ms {int} NOT NULL,
    ended_ms {int},
    PRIMARY KEY (tenant, connection_id)
) {strict};
CREATE TABLE directory_accounts (
    tenant {text} NOT NULL,
    connection_id {text} NOT NULL,
    account {text} NOT NULL,
    run_id {text} NOT NULL,
    shut {int} NOT NULL,
    gone {int} NOT NULL,
    PRIMARY KEY (tenant, connection_id, account)
) {clustered};
