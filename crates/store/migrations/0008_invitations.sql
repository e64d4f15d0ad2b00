-- Invitations to organizations. Whoever has the ticket may accept; the document holds it sealed, `digest` finds it.
CREATE TABLE invitations (
    tenant {text} NOT NULL,
    id {text} NOT NULL,
    organization_id {text} NOT NULL,
    digest {text} NOT NULL,
    created_ms {int} NOT NULL,
    ends_at {int} NOT NULL,
    doc {text} NOT NULL,
    PRIMARY KEY (tenant, id)
) {strict};
CREATE UNIQUE INDEX invitations_digest ON invitations (tenant, digest);
CREATE INDEX invitations_organization ON invitations (tenant, organization_id, created_ms, id);
CREATE INDEX invitations_end ON invitations (ends_at);
