-- Browsers that need not show a second factor again for a while: one secret for each, and the users whom it is good for. Whether a
-- session was opened in such a browser.
ALTER TABLE sessions ADD COLUMN remembered {bool} NOT NULL DEFAULT FALSE;
CREATE TABLE remembered_browsers (
    tenant {text} NOT NULL,
    id {text} NOT NULL,
    user_id {text} NOT NULL,
    digest {bytes} NOT NULL,
    ends_at {int} NOT NULL,
    PRIMARY KEY (tenant, id, user_id)
) {strict};
CREATE INDEX remembered_browsers_user ON remembered_browsers (tenant, user_id);
CREATE INDEX remembered_browsers_end ON remembered_browsers (ends_at);
