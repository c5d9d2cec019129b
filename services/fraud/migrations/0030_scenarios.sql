-- Scenarios: drafts, versions, which version decides, who changed what, snoozes, and what versions decided of late.

CREATE TABLE scenarios (
    tenant_id uuid NOT NULL,
    scenario_id text COLLATE "C" NOT NULL CHECK (scenario_id ~ '^[a-z0-9][a-z0-9._-]{0,63}$'),
    -- As a file (see domain/scenarios/file.py).
    draft text NOT NULL,
    revision bigint NOT NULL,
    latest integer NOT NULL,
    editors text[] NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, scenario_id)
);

CREATE TABLE scenario_versions (
    tenant_id uuid NOT NULL,
    scenario_id text COLLATE "C" NOT NULL,
    number integer NOT NULL CHECK (number > 0),
    event_type text NOT NULL,
    content text NOT NULL,
    -- The checked trees of the rules, in their order.
    trees text NOT NULL,
    note text NOT NULL,
    authors text[] NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, scenario_id, number)
);

CREATE TABLE scenario_deployments (
    tenant_id uuid NOT NULL,
    event_type text COLLATE "C" NOT NULL,
    state text NOT NULL,
    revision bigint NOT NULL,
    PRIMARY KEY (tenant_id, event_type)
);

CREATE TABLE scenario_transitions (
    tenant_id uuid NOT NULL,
    event_type text COLLATE "C" NOT NULL,
    number bigint NOT NULL,
    move text NOT NULL,
    scenario_id text COLLATE "C" NOT NULL,
    version integer NOT NULL,
    parts integer NOT NULL,
    principal text NOT NULL,
    requested_by text NOT NULL,
    reason text NOT NULL,
    replaced_scenario_id text,
    replaced_version integer,
    at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, event_type, number)
);
CREATE INDEX scenario_transitions_by_version ON scenario_transitions (tenant_id, scenario_id, version, number);

CREATE TABLE scenario_policies (
    tenant_id uuid NOT NULL PRIMARY KEY,
    two_persons boolean NOT NULL,
    declines double precision NOT NULL,
    reviews double precision NOT NULL,
    times double precision NOT NULL,
    above double precision NOT NULL,
    revision bigint NOT NULL
);

CREATE TABLE scenario_snoozes (
    tenant_id uuid NOT NULL,
    rule_id text COLLATE "C" NOT NULL,
    field text COLLATE "C" NOT NULL,
    value text COLLATE "C" NOT NULL CHECK (length(value) BETWEEN 1 AND 256),
    until timestamptz NOT NULL,
    reason text NOT NULL,
    created_by text NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, rule_id, field, value)
);
CREATE INDEX scenario_snoozes_until ON scenario_snoozes (tenant_id, until);

-- What each process decided in each second by each version. Seconds are of the processes' clocks.
CREATE TABLE scenario_counts (
    tenant_id uuid NOT NULL,
    event_type text COLLATE "C" NOT NULL,
    scenario_id text COLLATE "C" NOT NULL,
    version integer NOT NULL,
    second bigint NOT NULL,
    process uuid NOT NULL,
    decisions integer NOT NULL,
    declines integer NOT NULL,
    reviews integer NOT NULL,
    PRIMARY KEY (tenant_id, event_type, scenario_id, version, second, process)
);
CREATE INDEX scenario_counts_second ON scenario_counts (second);

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['scenarios', 'scenario_versions', 'scenario_deployments', 'scenario_transitions',
        'scenario_policies', 'scenario_snoozes', 'scenario_counts']
    LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
        EXECUTE format('CREATE POLICY tenant ON %I USING (tenant_id = ANY ((SELECT rampart_tenants())::uuid[]))'
            ' WITH CHECK (tenant_id = ANY ((SELECT rampart_tenants())::uuid[]))', name);
    END LOOP;
END $$;

-- Whatever the tenant, counts older than the breaker looks back may be deleted, by a transaction that says so.
CREATE POLICY old_read ON scenario_counts FOR SELECT USING (
    second < extract(epoch FROM now()) - 7200 AND current_setting('rampart.cleaning', true) = 'on');
CREATE POLICY old ON scenario_counts FOR DELETE USING (
    second < extract(epoch FROM now()) - 7200 AND current_setting('rampart.cleaning', true) = 'on');

-- What was published or told is never changed, by nobody.
CREATE FUNCTION scenario_row_is_final() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    RAISE EXCEPTION 'rows of % are final', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER final BEFORE UPDATE OR DELETE ON scenario_versions
    FOR EACH ROW EXECUTE FUNCTION scenario_row_is_final();
CREATE TRIGGER final BEFORE UPDATE OR DELETE ON scenario_transitions
    FOR EACH ROW EXECUTE FUNCTION scenario_row_is_final();

GRANT SELECT, INSERT, UPDATE ON scenarios, scenario_deployments, scenario_policies TO {service};
GRANT SELECT, INSERT ON scenario_versions, scenario_transitions TO {service};
GRANT SELECT, INSERT, UPDATE, DELETE ON scenario_snoozes, scenario_counts TO {service};
