-- What the clients of a tenant may use together, in units per second; 0 means that there is no such limit.
ALTER TABLE tenants
    ADD COLUMN rate_limit integer NOT NULL DEFAULT 0 CHECK (rate_limit >= 0),
    ADD COLUMN user_rate_limit integer NOT NULL DEFAULT 0 CHECK (user_rate_limit >= 0),
    -- Units of single classes of calls, by name: {"decision": 500}.
    ADD COLUMN class_limits jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(class_limits) = 'object');

-- The policies of 0001 hold for updates as well: a row is written only by a transaction that named its tenant.
GRANT UPDATE (rate_limit, user_rate_limit, class_limits) ON tenants TO {service};
