-- Documents of APIs keep `signing_secret` sealed from here on. The server seals what it finds when it starts, since that
-- needs the master key; this step keeps older releases away from the database.
-- Contracts: older releases do not know the new member.
SELECT 1;
