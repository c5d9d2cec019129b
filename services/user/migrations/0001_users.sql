-- The tenants that the running transaction may touch. Empty means none.
CREATE FUNCTION rampart_tenants() RETURNS uuid[]
LANGUAGE sql STABLE PARALLEL SAFE
AS $$ SELECT coalesce(string_to_array(nullif(current_setting('rampart.tenants', true), ''), ',')::uuid[], '{}') $$;

-- Identifiers sort by code point whatever the locale of the database, so that page tokens stay valid.
CREATE TABLE users (
    tenant_id uuid NOT NULL,
    user_id text COLLATE "C" NOT NULL CHECK (user_id <> ''),
    display_name text NOT NULL DEFAULT '',
    email text NOT NULL DEFAULT '',
    phone text NOT NULL DEFAULT '',
    country text NOT NULL DEFAULT '',
    base_risk double precision NOT NULL CHECK (base_risk BETWEEN 0 AND 1),
    tier text NOT NULL CHECK (tier IN ('trusted', 'standard', 'elevated', 'blocked')),
    chargeback_count integer NOT NULL CHECK (chargeback_count >= 0),
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, user_id)
);

ALTER TABLE users ENABLE ROW LEVEL SECURITY;
ALTER TABLE users FORCE ROW LEVEL SECURITY;
CREATE POLICY own ON users USING (tenant_id = ANY ((SELECT rampart_tenants())::uuid[]));

GRANT SELECT, INSERT, UPDATE ON users TO {service};
