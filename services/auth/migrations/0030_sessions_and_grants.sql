-- Rows that have to be found before their tenant is known are opened by a setting of the transaction that names exactly
-- one key, as in 0001: a hash of a secret, or an identifier whose proof the service checks once it has read the row.
-- What is over is opened for its deletion, and only if the transaction says that it cleans up.

-- Browsers in which a member has signed in.
CREATE TABLE sessions (
    session_id uuid PRIMARY KEY,
    tenant_id uuid NOT NULL REFERENCES tenants (tenant_id),
    member_id uuid NOT NULL,
    secret_hash bytea NOT NULL UNIQUE CHECK (octet_length(secret_hash) = 32),
    methods text[] NOT NULL,
    authenticated_at timestamptz NOT NULL,
    used_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    ended_at timestamptz
);
CREATE INDEX sessions_by_member ON sessions (tenant_id, member_id);
CREATE INDEX sessions_by_expiry ON sessions (expires_at);

-- What clients were let do by members. A refresh token follows from the seed, its generation and a key of the service.
CREATE TABLE grants (
    grant_id uuid PRIMARY KEY,
    tenant_id uuid NOT NULL REFERENCES tenants (tenant_id),
    member_id uuid NOT NULL,
    client_id text NOT NULL CHECK (length(client_id) BETWEEN 1 AND 128),
    -- NULL for a grant that outlives the session in which it was made.
    session_id uuid,
    scopes text[] NOT NULL,
    methods text[] NOT NULL,
    authenticated_at timestamptz NOT NULL,
    created_at timestamptz NOT NULL,
    used_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    seed bytea NOT NULL CHECK (octet_length(seed) = 32),
    generation integer NOT NULL DEFAULT 0 CHECK (generation >= 0),
    rotated_at timestamptz,
    jkt text NOT NULL DEFAULT '' CHECK (jkt = '' OR length(jkt) = 43),
    ended_at timestamptz
);
CREATE INDEX grants_by_member ON grants (tenant_id, member_id);
CREATE INDEX grants_by_session ON grants (session_id) WHERE session_id IS NOT NULL;
CREATE INDEX grants_by_expiry ON grants (expires_at);

-- Codes on their way from a browser to a client. One that was used is kept until it expires, and names what came of it.
CREATE TABLE authorization_codes (
    code_hash bytea PRIMARY KEY CHECK (octet_length(code_hash) = 32),
    tenant_id uuid NOT NULL REFERENCES tenants (tenant_id),
    member_id uuid NOT NULL,
    session_id uuid NOT NULL,
    client_id text NOT NULL CHECK (length(client_id) BETWEEN 1 AND 128),
    redirect_uri text NOT NULL CHECK (length(redirect_uri) <= 2048),
    scopes text[] NOT NULL,
    code_challenge text NOT NULL CHECK (length(code_challenge) = 43),
    nonce text NOT NULL CHECK (length(nonce) <= 512),
    dpop_jkt text NOT NULL,
    methods text[] NOT NULL,
    authenticated_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    grant_id uuid
);
CREATE INDEX authorization_codes_by_expiry ON authorization_codes (expires_at);

-- What members have consented to.
CREATE TABLE consents (
    tenant_id uuid NOT NULL REFERENCES tenants (tenant_id),
    member_id uuid NOT NULL,
    client_id text NOT NULL CHECK (length(client_id) BETWEEN 1 AND 128),
    scopes text[] NOT NULL,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, member_id, client_id)
);

-- Attempts to sign in belong to no tenant before somebody has said which, and to nobody but the browser that began them.
CREATE TABLE sign_in_attempts (
    attempt_id text PRIMARY KEY CHECK (length(attempt_id) BETWEEN 16 AND 64),
    secret_hash bytea NOT NULL CHECK (octet_length(secret_hash) = 32),
    revision integer NOT NULL,
    state jsonb NOT NULL CHECK (pg_column_size(state) <= 32768),
    expires_at timestamptz NOT NULL
);
CREATE INDEX sign_in_attempts_by_expiry ON sign_in_attempts (expires_at);

-- Devices that wait to be let in. They belong to no tenant before somebody has let them in.
CREATE TABLE device_authorizations (
    device_hash bytea PRIMARY KEY CHECK (octet_length(device_hash) = 32),
    user_code_hash bytea NOT NULL UNIQUE CHECK (octet_length(user_code_hash) = 32),
    client_id text NOT NULL CHECK (length(client_id) BETWEEN 1 AND 128),
    scopes text[] NOT NULL,
    asked_interval integer NOT NULL CHECK (asked_interval > 0),
    asked_at timestamptz,
    state text NOT NULL CHECK (state IN ('pending', 'allowed', 'denied', 'redeemed')),
    tenant_id uuid REFERENCES tenants (tenant_id),
    member_id uuid,
    session_id uuid,
    methods text[] NOT NULL,
    authenticated_at timestamptz,
    expires_at timestamptz NOT NULL,
    CHECK (state IN ('pending', 'denied') OR (tenant_id IS NOT NULL AND member_id IS NOT NULL))
);
CREATE INDEX device_authorizations_by_expiry ON device_authorizations (expires_at);

-- Proofs of possession that were seen (RFC 9449, section 11.1). They name no tenant.
CREATE TABLE seen_proofs (
    proof_hash bytea PRIMARY KEY CHECK (octet_length(proof_hash) = 32),
    expires_at timestamptz NOT NULL
);
CREATE INDEX seen_proofs_by_expiry ON seen_proofs (expires_at);

ALTER TABLE sessions ENABLE ROW LEVEL SECURITY;
ALTER TABLE sessions FORCE ROW LEVEL SECURITY;
ALTER TABLE grants ENABLE ROW LEVEL SECURITY;
ALTER TABLE grants FORCE ROW LEVEL SECURITY;
ALTER TABLE authorization_codes ENABLE ROW LEVEL SECURITY;
ALTER TABLE authorization_codes FORCE ROW LEVEL SECURITY;
ALTER TABLE consents ENABLE ROW LEVEL SECURITY;
ALTER TABLE consents FORCE ROW LEVEL SECURITY;
ALTER TABLE sign_in_attempts ENABLE ROW LEVEL SECURITY;
ALTER TABLE sign_in_attempts FORCE ROW LEVEL SECURITY;
ALTER TABLE device_authorizations ENABLE ROW LEVEL SECURITY;
ALTER TABLE device_authorizations FORCE ROW LEVEL SECURITY;
ALTER TABLE seen_proofs ENABLE ROW LEVEL SECURITY;
ALTER TABLE seen_proofs FORCE ROW LEVEL SECURITY;

CREATE POLICY own ON sessions USING (tenant_id = ANY ((SELECT rampart_tenants())::uuid[]));
CREATE POLICY own ON grants USING (tenant_id = ANY ((SELECT rampart_tenants())::uuid[]));
CREATE POLICY own ON authorization_codes USING (tenant_id = ANY ((SELECT rampart_tenants())::uuid[]));
CREATE POLICY own ON consents USING (tenant_id = ANY ((SELECT rampart_tenants())::uuid[]));

CREATE POLICY named ON sessions FOR SELECT
    USING (secret_hash = decode((SELECT current_setting('rampart.session_hash', true)), 'hex'));
CREATE POLICY named ON grants FOR SELECT
    USING (grant_id::text = (SELECT current_setting('rampart.grant_id', true)));
CREATE POLICY named ON authorization_codes FOR SELECT
    USING (code_hash = decode((SELECT current_setting('rampart.code_hash', true)), 'hex'));
CREATE POLICY named ON sign_in_attempts
    USING (attempt_id = (SELECT current_setting('rampart.attempt_id', true)));
CREATE POLICY named ON device_authorizations
    USING (device_hash = decode((SELECT current_setting('rampart.device_hash', true)), 'hex'));
CREATE POLICY typed ON device_authorizations
    USING (user_code_hash = decode((SELECT current_setting('rampart.user_code_hash', true)), 'hex'));
CREATE POLICY named ON seen_proofs
    USING (proof_hash = decode((SELECT current_setting('rampart.proof_hash', true)), 'hex'));

CREATE FUNCTION rampart_cleans() RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE
AS $$ SELECT coalesce(current_setting('rampart.cleaning', true), '') = 'on' $$;

CREATE POLICY over ON sessions USING ((SELECT rampart_cleans()) AND expires_at < (SELECT now())) WITH CHECK (false);
CREATE POLICY over ON grants USING ((SELECT rampart_cleans()) AND expires_at < (SELECT now())) WITH CHECK (false);
CREATE POLICY over ON authorization_codes
    USING ((SELECT rampart_cleans()) AND expires_at < (SELECT now())) WITH CHECK (false);
CREATE POLICY over ON sign_in_attempts
    USING ((SELECT rampart_cleans()) AND expires_at < (SELECT now())) WITH CHECK (false);
CREATE POLICY over ON device_authorizations
    USING ((SELECT rampart_cleans()) AND expires_at < (SELECT now())) WITH CHECK (false);
CREATE POLICY over ON seen_proofs USING ((SELECT rampart_cleans()) AND expires_at < (SELECT now())) WITH CHECK (false);

GRANT SELECT, INSERT, DELETE ON
    sessions, grants, authorization_codes, consents, sign_in_attempts, device_authorizations, seen_proofs TO {service};
GRANT UPDATE (secret_hash, methods, authenticated_at, used_at, expires_at, ended_at) ON sessions TO {service};
GRANT UPDATE (used_at, generation, rotated_at, ended_at) ON grants TO {service};
GRANT UPDATE (grant_id) ON authorization_codes TO {service};
GRANT UPDATE (scopes, updated_at) ON consents TO {service};
GRANT UPDATE (revision, state) ON sign_in_attempts TO {service};
GRANT UPDATE (asked_interval, asked_at, state, tenant_id, member_id, session_id, methods, authenticated_at)
    ON device_authorizations TO {service};
