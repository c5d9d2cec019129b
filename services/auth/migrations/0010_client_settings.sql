-- What a client may have tokens for and how it proves who it is. Those of before have a secret and act for themselves.
ALTER TABLE clients
    ALTER COLUMN secret_hash DROP NOT NULL,
    ADD COLUMN previous_secret_hash bytea CHECK (octet_length(previous_secret_hash) = 32),
    ADD COLUMN previous_secret_until timestamptz,
    ADD COLUMN grant_types text[] NOT NULL DEFAULT '{client_credentials}',
    ADD COLUMN redirect_uris text[] NOT NULL DEFAULT '{}',
    ADD COLUMN authentication_method text NOT NULL DEFAULT 'client_secret_basic',
    ADD COLUMN keys jsonb NOT NULL DEFAULT '[]' CHECK (jsonb_typeof(keys) = 'array'),
    ADD COLUMN sender_constraint text NOT NULL DEFAULT 'none',
    -- Those of before have not changed since they were created, as far as anybody knows, and share a tag until they do.
    ADD COLUMN updated_at timestamptz,
    ADD COLUMN tag uuid NOT NULL DEFAULT '00000000-0000-0000-0000-000000000000',
    ADD CHECK ((previous_secret_hash IS NULL) = (previous_secret_until IS NULL));

GRANT UPDATE (secret_hash, previous_secret_hash, previous_secret_until, rotated_at, disabled_at, display_name, scopes,
    rate_limit, grant_types, redirect_uris, authentication_method, keys, sender_constraint, updated_at, tag),
    DELETE ON clients TO {service};
