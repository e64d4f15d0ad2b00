-- When the user of a session showed a second factor; whose method it is that an id names.
ALTER TABLE sessions ADD COLUMN second_factor_at {int};
CREATE INDEX authentication_methods_id ON authentication_methods (tenant, id);
