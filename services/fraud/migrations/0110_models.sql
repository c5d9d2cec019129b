-- Models, their versions with the models themselves, and files that are brought.

CREATE TABLE models (
    tenant_id uuid NOT NULL,
    name text COLLATE "C" NOT NULL CHECK (name ~ '^[a-z][a-z0-9_-]{0,62}$'),
    description text NOT NULL,
    event_type text NOT NULL,
    newest integer NOT NULL DEFAULT 0,
    tag uuid NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, name)
);

CREATE TABLE model_versions (
    tenant_id uuid NOT NULL,
    name text COLLATE "C" NOT NULL,
    number integer NOT NULL CHECK (number > 0),
    origin text NOT NULL CHECK (origin IN ('trained', 'imported')),
    event_type text NOT NULL,
    -- JSON (see domain/scoring/settings.py); null for one that was brought, as its task is.
    settings text,
    task_id uuid,
    valid_until timestamptz,
    most_missing double precision NOT NULL,
    created_by text NOT NULL,
    created_at timestamptz NOT NULL,
    -- Grows with every attempt: what an earlier one wants to store is refused.
    token bigint NOT NULL DEFAULT 0,
    -- All of what follows is null before the version is ready, and never changes then.
    ready_at timestamptz,
    -- JSON (see domain/scoring/version.py).
    outcome text,
    -- JSON: everything that the model hangs on.
    described text,
    onnx bytea,
    booster bytea,
    -- How a training ended that made no model.
    end_state text CHECK (end_state IN ('failed', 'cancelled')),
    error text,
    ended_at timestamptz,
    PRIMARY KEY (tenant_id, name, number),
    FOREIGN KEY (tenant_id, name) REFERENCES models ON DELETE CASCADE,
    CHECK (num_nulls(ready_at, outcome, described, onnx, booster) IN (0, 5)),
    CHECK (origin = 'trained' OR outcome IS NOT NULL)
);
CREATE INDEX model_versions_unfinished ON model_versions (tenant_id, created_at) WHERE outcome IS NULL;

-- Parts of files, until all of a file is there and taken, or for a day.
CREATE TABLE model_upload_parts (
    tenant_id uuid NOT NULL,
    name text COLLATE "C" NOT NULL,
    upload_id uuid NOT NULL,
    part smallint NOT NULL CHECK (part BETWEEN 1 AND 32),
    data bytea NOT NULL,
    created_by text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, name, upload_id, part),
    FOREIGN KEY (tenant_id, name) REFERENCES models ON DELETE CASCADE
);
CREATE INDEX model_upload_parts_by_age ON model_upload_parts (created_at);

-- What files were found to be, for a day: a request that comes again finds it here.
CREATE TABLE inspected_models (
    tenant_id uuid NOT NULL,
    name text COLLATE "C" NOT NULL,
    upload_id uuid NOT NULL,
    -- What the file was said to be: size, fingerprint, form and features.
    asked text NOT NULL,
    outcome text NOT NULL,
    described text NOT NULL,
    onnx bytea NOT NULL,
    booster bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, name, upload_id),
    FOREIGN KEY (tenant_id, name) REFERENCES models ON DELETE CASCADE
);
CREATE INDEX inspected_models_by_age ON inspected_models (created_at);

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['models', 'model_versions', 'model_upload_parts', 'inspected_models'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
        EXECUTE format('CREATE POLICY tenant ON %I USING (tenant_id = ANY ((SELECT rampart_tenants())::uuid[]))'
            ' WITH CHECK (tenant_id = ANY ((SELECT rampart_tenants())::uuid[]))', name);
    END LOOP;
    -- Whatever the tenant, what was brought more than a day ago may be deleted, by a transaction that says so.
    FOREACH name IN ARRAY ARRAY['model_upload_parts', 'inspected_models'] LOOP
        EXECUTE format('CREATE POLICY old_read ON %I FOR SELECT USING (created_at < now() - interval ''1 day'''
            ' AND current_setting(''rampart.cleaning'', true) = ''on'')', name);
        EXECUTE format('CREATE POLICY old ON %I FOR DELETE USING (created_at < now() - interval ''1 day'''
            ' AND current_setting(''rampart.cleaning'', true) = ''on'')', name);
    END LOOP;
END $$;

GRANT SELECT, INSERT, DELETE ON models, model_versions, model_upload_parts, inspected_models TO {service};
GRANT UPDATE (description, newest, tag, updated_at) ON models TO {service};
GRANT UPDATE (valid_until, most_missing, token, ready_at, outcome, described, onnx, booster, end_state, error, ended_at)
    ON model_versions TO {service};
GRANT UPDATE (data, created_by, created_at) ON model_upload_parts TO {service};
GRANT UPDATE (asked, outcome, described, onnx, booster, created_at) ON inspected_models TO {service};
