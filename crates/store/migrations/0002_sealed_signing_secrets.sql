-- Documents of APIs keep `signing_secret` sealed from here on. The server seals what it finds when it starts, since that
-- needs the master key; this step keeps older releases, which would not know the new member, away from the database.
SELECT 1;
