-- Devices that wait for their user (RFC 8628). What a user allowed lies in codes, under the same id.
CREATE TABLE device_codes (
    tenant {text} NOT NULL,
    id {text} NOT NULL,
    digest {bytes} NOT NULL,
    user_code {bytes} NOT NULL,
    state {text} NOT NULL,
    reason {text} NOT NULL,
    polled_ms {int} NOT NULL,
    wait {int} NOT NULL,
    expires_at {int} NOT NULL,
    ends_at {int} NOT NULL,
    doc {text} NOT NULL,
    PRIMARY KEY (tenant, id)
) {strict};
CREATE UNIQUE INDEX device_codes_user_code ON device_codes (tenant, user_code);
CREATE INDEX device_codes_end ON device_codes (ends_at);
