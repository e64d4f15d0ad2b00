-- What users were asked on the consent page and said no to, so that nobody asks again.
ALTER TABLE consents ADD COLUMN declined {text} NOT NULL DEFAULT '';
