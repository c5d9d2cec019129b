-- People of a tenant. Of one who is deleted nothing is left but the identifier, which the audit log names.
CREATE TABLE members (
    member_id uuid PRIMARY KEY,
    tenant_id uuid NOT NULL REFERENCES tenants (tenant_id),
    email text NOT NULL CHECK (length(email) <= 320),
    -- What is equal of addresses of one mailbox; NULL of the deleted.
    email_key text CHECK (length(email_key) BETWEEN 3 AND 1280),
    display_name text NOT NULL CHECK (length(display_name) <= 200),
    roles text[] NOT NULL CHECK (cardinality(roles) <= 5),
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    revision bigint NOT NULL,
    activated_at timestamptz,
    disabled_at timestamptz,
    deleted_at timestamptz,
    signed_in_at timestamptz,
    -- Sessions and grants that began before are over.
    signed_out_at timestamptz,
    UNIQUE (tenant_id, email_key),
    CHECK ((deleted_at IS NULL) = (email_key IS NOT NULL)),
    CHECK (deleted_at IS NULL OR (email = '' AND display_name = '' AND roles = '{}'))
);
CREATE INDEX members_by_tenant ON members (tenant_id, member_id) WHERE deleted_at IS NULL;

CREATE TABLE passwords (
    member_id uuid PRIMARY KEY REFERENCES members (member_id) ON DELETE CASCADE,
    tenant_id uuid NOT NULL,
    -- Argon2id in the form of the PHC: parameters, salt and hash.
    hash text NOT NULL CHECK (hash LIKE '$argon2id$%' AND length(hash) <= 256),
    set_at timestamptz NOT NULL
);

-- The one link of a member that is good.
CREATE TABLE member_links (
    member_id uuid PRIMARY KEY REFERENCES members (member_id) ON DELETE CASCADE,
    tenant_id uuid NOT NULL,
    link_hash bytea NOT NULL UNIQUE CHECK (octet_length(link_hash) = 32),
    kind text NOT NULL CHECK (kind IN ('invitation', 'reset')),
    expires_at timestamptz NOT NULL
);

-- Keyed hashes of the addresses and devices with which a member signed in.
CREATE TABLE member_marks (
    member_id uuid NOT NULL REFERENCES members (member_id) ON DELETE CASCADE,
    mark bytea NOT NULL CHECK (octet_length(mark) = 32),
    tenant_id uuid NOT NULL,
    seen_at timestamptz NOT NULL,
    PRIMARY KEY (member_id, mark)
);

CREATE TABLE sign_in_policies (
    tenant_id uuid PRIMARY KEY REFERENCES tenants (tenant_id),
    second_factor_required boolean NOT NULL
);

-- One-time passwords. `pending_secret` waits for the proof that it has arrived. Both are encrypted by the service.
CREATE TABLE member_totp (
    member_id uuid PRIMARY KEY REFERENCES members (member_id) ON DELETE CASCADE,
    tenant_id uuid NOT NULL,
    sealed_secret bytea CHECK (octet_length(sealed_secret) <= 128),
    pending_secret bytea CHECK (octet_length(pending_secret) <= 128),
    -- Step of the last code that was taken: no code of that one or an earlier one is.
    last_step bigint NOT NULL DEFAULT 0
);

CREATE TABLE recovery_codes (
    member_id uuid NOT NULL REFERENCES members (member_id) ON DELETE CASCADE,
    code_hash bytea NOT NULL CHECK (octet_length(code_hash) = 32),
    tenant_id uuid NOT NULL,
    PRIMARY KEY (member_id, code_hash)
);

CREATE TABLE passkeys (
    credential_id bytea PRIMARY KEY CHECK (octet_length(credential_id) BETWEEN 1 AND 1023),
    member_id uuid NOT NULL REFERENCES members (member_id) ON DELETE CASCADE,
    tenant_id uuid NOT NULL,
    public_key bytea NOT NULL CHECK (octet_length(public_key) <= 2048),
    sign_count bigint NOT NULL,
    display_name text NOT NULL CHECK (length(display_name) BETWEEN 1 AND 100),
    created_at timestamptz NOT NULL,
    used_at timestamptz
);
CREATE INDEX passkeys_by_member ON passkeys (member_id);

-- Challenges that wait for an answer. They belong to whoever has the secret, before a tenant is known.
CREATE TABLE passkey_ceremonies (
    state_hash bytea PRIMARY KEY CHECK (octet_length(state_hash) = 32),
    kind text NOT NULL CHECK (kind IN ('registration', 'authentication')),
    challenge bytea NOT NULL CHECK (octet_length(challenge) <= 64),
    tenant_id uuid,
    member_id uuid,
    expires_at timestamptz NOT NULL
);
CREATE INDEX passkey_ceremonies_by_expiry ON passkey_ceremonies (expires_at);

-- How many attempts to sign in failed, by keyed hashes of accounts, addresses and tenants. They belong to no tenant and
-- tell of nobody, hence no row-level security.
CREATE TABLE sign_in_failures (
    key bytea PRIMARY KEY CHECK (octet_length(key) = 32),
    failures double precision NOT NULL,
    at timestamptz NOT NULL,
    blocked_until timestamptz NOT NULL
) WITH (fillfactor = 50);
CREATE INDEX sign_in_failures_by_age ON sign_in_failures (at);

ALTER TABLE members ENABLE ROW LEVEL SECURITY;
ALTER TABLE members FORCE ROW LEVEL SECURITY;
ALTER TABLE passwords ENABLE ROW LEVEL SECURITY;
ALTER TABLE passwords FORCE ROW LEVEL SECURITY;
ALTER TABLE member_links ENABLE ROW LEVEL SECURITY;
ALTER TABLE member_links FORCE ROW LEVEL SECURITY;
ALTER TABLE member_marks ENABLE ROW LEVEL SECURITY;
ALTER TABLE member_marks FORCE ROW LEVEL SECURITY;
ALTER TABLE sign_in_policies ENABLE ROW LEVEL SECURITY;
ALTER TABLE sign_in_policies FORCE ROW LEVEL SECURITY;
ALTER TABLE member_totp ENABLE ROW LEVEL SECURITY;
ALTER TABLE member_totp FORCE ROW LEVEL SECURITY;
ALTER TABLE recovery_codes ENABLE ROW LEVEL SECURITY;
ALTER TABLE recovery_codes FORCE ROW LEVEL SECURITY;
ALTER TABLE passkeys ENABLE ROW LEVEL SECURITY;
ALTER TABLE passkeys FORCE ROW LEVEL SECURITY;
ALTER TABLE passkey_ceremonies ENABLE ROW LEVEL SECURITY;
ALTER TABLE passkey_ceremonies FORCE ROW LEVEL SECURITY;

CREATE POLICY own ON members USING (tenant_id = ANY ((SELECT rampart_tenants())::uuid[]));
CREATE POLICY own ON passwords USING (tenant_id = ANY ((SELECT rampart_tenants())::uuid[]));
CREATE POLICY own ON member_links USING (tenant_id = ANY ((SELECT rampart_tenants())::uuid[]));
CREATE POLICY own ON member_marks USING (tenant_id = ANY ((SELECT rampart_tenants())::uuid[]));
CREATE POLICY own ON sign_in_policies USING (tenant_id = ANY ((SELECT rampart_tenants())::uuid[]));
CREATE POLICY own ON member_totp USING (tenant_id = ANY ((SELECT rampart_tenants())::uuid[]));
CREATE POLICY own ON recovery_codes USING (tenant_id = ANY ((SELECT rampart_tenants())::uuid[]));
CREATE POLICY own ON passkeys USING (tenant_id = ANY ((SELECT rampart_tenants())::uuid[]));

-- What is looked up before its tenant is known: one row, by exactly its key.
CREATE POLICY named ON members FOR SELECT
    USING (member_id::text = (SELECT current_setting('rampart.member', true)));
CREATE POLICY named ON member_links FOR SELECT
    USING (encode(link_hash, 'hex') = (SELECT current_setting('rampart.link', true)));
CREATE POLICY named ON passkeys FOR SELECT
    USING (encode(credential_id, 'hex') = (SELECT current_setting('rampart.passkey', true)));
CREATE POLICY named ON passkey_ceremonies
    USING (encode(state_hash, 'hex') = (SELECT current_setting('rampart.ceremony', true)));
-- What is over may be cleaned away by anybody.
CREATE POLICY over ON member_marks FOR SELECT USING (seen_at < now() - interval '30 days');
CREATE POLICY swept ON member_marks FOR DELETE USING (seen_at < now() - interval '30 days');
CREATE POLICY over ON passkey_ceremonies FOR SELECT USING (expires_at < now());
CREATE POLICY swept ON passkey_ceremonies FOR DELETE USING (expires_at < now());

GRANT SELECT, INSERT ON members TO {service};
GRANT UPDATE (email, email_key, display_name, roles, updated_at, revision, activated_at, disabled_at, deleted_at,
    signed_in_at, signed_out_at) ON members TO {service};
GRANT SELECT, INSERT, DELETE ON passwords, member_links, member_marks, member_totp, recovery_codes, passkeys,
    passkey_ceremonies, sign_in_failures TO {service};
GRANT SELECT, INSERT ON sign_in_policies TO {service};
GRANT UPDATE (hash, set_at) ON passwords TO {service};
GRANT UPDATE (link_hash, kind, expires_at) ON member_links TO {service};
GRANT UPDATE (seen_at) ON member_marks TO {service};
GRANT UPDATE (sealed_secret, pending_secret, last_step) ON member_totp TO {service};
GRANT UPDATE (sign_count, used_at, display_name) ON passkeys TO {service};
GRANT UPDATE (failures, at, blocked_until) ON sign_in_failures TO {service};
GRANT UPDATE (second_factor_required) ON sign_in_policies TO {service};
