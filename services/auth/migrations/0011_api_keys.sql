CREATE TABLE api_keys (
    key_id text PRIMARY KEY,
    tenant_id uuid NOT NULL REFERENCES tenants (tenant_id),
    display_name text NOT NULL,
    scopes text[] NOT NULL,
    rate_limit integer NOT NULL CHECK (rate_limit > 0),
    prefix text NOT NULL,
    key_hash bytea NOT NULL UNIQUE CHECK (octet_length(key_hash) = 32),
    previous_key_hash bytea UNIQUE CHECK (octet_length(previous_key_hash) = 32),
    previous_key_until timestamptz,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    rotated_at timestamptz,
    last_used_at timestamptz,
    CHECK ((previous_key_hash IS NULL) = (previous_key_until IS NULL))
);
CREATE INDEX api_keys_by_tenant ON api_keys (tenant_id, key_id);

ALTER TABLE api_keys ENABLE ROW LEVEL SECURITY;
ALTER TABLE api_keys FORCE ROW LEVEL SECURITY;
CREATE POLICY own ON api_keys USING (tenant_id = ANY ((SELECT rampart_tenants())::uuid[]));

-- A key is looked up before its tenant is known. Whoever names the hash of a key (in hexadecimal) has shown the key.
CREATE FUNCTION rampart_key_hash() RETURNS bytea
LANGUAGE sql STABLE PARALLEL SAFE
AS $$ SELECT decode(nullif(current_setting('rampart.key_hash', true), ''), 'hex') $$;
CREATE POLICY shown ON api_keys FOR SELECT
    USING (key_hash = (SELECT rampart_key_hash()) OR previous_key_hash = (SELECT rampart_key_hash()));

GRANT SELECT, INSERT, DELETE,
    UPDATE (prefix, key_hash, previous_key_hash, previous_key_until, rotated_at, last_used_at) ON api_keys TO {service};
