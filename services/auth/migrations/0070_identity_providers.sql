-- A tenant's own OpenID provider, and which of its accounts are whose. A link holds for the provider as it is set: it
-- goes with it, and where its issuer or client_id changes, for then the same subject may be somebody else.
CREATE TABLE identity_providers (
    tenant_id uuid PRIMARY KEY REFERENCES tenants (tenant_id),
    issuer text NOT NULL CHECK (length(issuer) BETWEEN 1 AND 512),
    client_id text NOT NULL CHECK (length(client_id) BETWEEN 1 AND 256),
    -- Encrypted by the service.
    sealed_secret bytea NOT NULL CHECK (octet_length(sealed_secret) BETWEEN 29 AND 1100),
    method text NOT NULL CHECK (method IN ('client_secret_basic', 'client_secret_post')),
    display_name text NOT NULL CHECK (length(display_name) BETWEEN 1 AND 512),
    domains text[] NOT NULL CHECK (cardinality(domains) <= 50),
    roles text[] NOT NULL CHECK (cardinality(roles) <= 4 AND NOT 'owner' = ANY (roles)),
    email_trusted boolean NOT NULL,
    second_factor_trusted boolean NOT NULL,
    required boolean NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    -- Whoever is let in without an invitation, or by an address that nobody has verified, is of a domain of the tenant.
    CHECK (cardinality(domains) > 0 OR (cardinality(roles) = 0 AND NOT email_trusted))
);

CREATE TABLE provider_links (
    member_id uuid PRIMARY KEY REFERENCES members (member_id) ON DELETE CASCADE,
    tenant_id uuid NOT NULL REFERENCES tenants (tenant_id),
    issuer text NOT NULL CHECK (length(issuer) BETWEEN 1 AND 512),
    subject text NOT NULL CHECK (length(subject) BETWEEN 1 AND 255),
    created_at timestamptz NOT NULL,
    UNIQUE (tenant_id, issuer, subject)
);

ALTER TABLE identity_providers ENABLE ROW LEVEL SECURITY;
ALTER TABLE identity_providers FORCE ROW LEVEL SECURITY;
ALTER TABLE provider_links ENABLE ROW LEVEL SECURITY;
ALTER TABLE provider_links FORCE ROW LEVEL SECURITY;

CREATE POLICY own ON identity_providers USING (tenant_id = ANY ((SELECT rampart_tenants())::uuid[]));
CREATE POLICY own ON provider_links USING (tenant_id = ANY ((SELECT rampart_tenants())::uuid[]));

GRANT SELECT, INSERT, DELETE ON identity_providers, provider_links TO {service};
GRANT UPDATE (issuer, client_id, sealed_secret, method, display_name, domains, roles, email_trusted,
    second_factor_trusted, required, updated_at) ON identity_providers TO {service};

SELECT rampart_erasable('identity_providers');
SELECT rampart_erasable('provider_links');
