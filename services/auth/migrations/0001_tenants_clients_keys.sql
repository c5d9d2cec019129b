-- The tenants that the running transaction may touch. Empty means none.
CREATE FUNCTION rampart_tenants() RETURNS uuid[]
LANGUAGE sql STABLE PARALLEL SAFE
AS $$ SELECT coalesce(string_to_array(nullif(current_setting('rampart.tenants', true), ''), ',')::uuid[], '{}') $$;

CREATE TABLE tenants (
    tenant_id uuid PRIMARY KEY,
    name text NOT NULL UNIQUE CHECK (name ~ '^[a-z0-9][a-z0-9-]{0,62}$'),
    default_currency char(3) NOT NULL DEFAULT 'USD' CHECK (default_currency ~ '^[A-Z]{3}$'),
    created_at timestamptz NOT NULL
);

CREATE TABLE clients (
    client_id text PRIMARY KEY,
    tenant_id uuid NOT NULL REFERENCES tenants (tenant_id),
    secret_hash bytea NOT NULL CHECK (octet_length(secret_hash) = 32),
    scopes text[] NOT NULL,
    rate_limit integer NOT NULL CHECK (rate_limit > 0),
    display_name text NOT NULL DEFAULT '',
    created_at timestamptz NOT NULL
);
CREATE INDEX clients_by_tenant ON clients (tenant_id);

-- Keys that sign access tokens. The private half is encrypted by the service; the key for that is not in here.
-- They belong to no tenant, hence no row-level security.
CREATE TABLE signing_keys (
    kid text PRIMARY KEY,
    encrypted_key bytea NOT NULL,
    public_key jsonb NOT NULL,
    created_at timestamptz NOT NULL,
    active_at timestamptz NOT NULL
);

ALTER TABLE tenants ENABLE ROW LEVEL SECURITY;
ALTER TABLE tenants FORCE ROW LEVEL SECURITY;
ALTER TABLE clients ENABLE ROW LEVEL SECURITY;
ALTER TABLE clients FORCE ROW LEVEL SECURITY;

CREATE POLICY own ON tenants USING (tenant_id = ANY ((SELECT rampart_tenants())::uuid[]));
CREATE POLICY own ON clients USING (tenant_id = ANY ((SELECT rampart_tenants())::uuid[]));

-- A client is looked up before its tenant is known, and a tenant by its name. A second setting opens the one row with
-- that key for reading. A SECURITY DEFINER function would not: the policies are forced on the owner as well, and a role
-- exempt from them would open every row to whoever can call the function.
CREATE POLICY named ON tenants FOR SELECT USING (name = (SELECT current_setting('rampart.tenant_name', true)));
CREATE POLICY named ON clients FOR SELECT USING (client_id = (SELECT current_setting('rampart.client_id', true)));

GRANT SELECT, INSERT ON tenants, clients TO {service};
GRANT SELECT, INSERT, DELETE ON signing_keys TO {service};
