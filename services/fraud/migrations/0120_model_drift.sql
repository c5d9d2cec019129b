-- What versions of models see, day by day (UTC), each time that a process has loaded one.

CREATE TABLE model_seen (
    tenant_id uuid NOT NULL,
    name text COLLATE "C" NOT NULL,
    number integer NOT NULL,
    day date NOT NULL,
    part uuid NOT NULL,
    rows bigint NOT NULL,
    certain bigint NOT NULL,
    -- JSON: by feature, how many values fell into each bin of those learned from.
    counts text NOT NULL,
    PRIMARY KEY (tenant_id, name, number, day, part),
    FOREIGN KEY (tenant_id, name, number) REFERENCES model_versions ON DELETE CASCADE
);
CREATE INDEX model_seen_by_age ON model_seen (day);

-- Days on which analysts were told that a version has drifted.
CREATE TABLE model_drift_told (
    tenant_id uuid NOT NULL,
    name text COLLATE "C" NOT NULL,
    number integer NOT NULL,
    day date NOT NULL,
    PRIMARY KEY (tenant_id, name, number, day),
    FOREIGN KEY (tenant_id, name, number) REFERENCES model_versions ON DELETE CASCADE
);

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['model_seen', 'model_drift_told'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
        EXECUTE format('CREATE POLICY tenant ON %I USING (tenant_id = ANY ((SELECT rampart_tenants())::uuid[]))'
            ' WITH CHECK (tenant_id = ANY ((SELECT rampart_tenants())::uuid[]))', name);
    END LOOP;
    -- Whatever the tenant, what is older than 90 days may be deleted, by a transaction that says so.
    EXECUTE 'CREATE POLICY old_read ON model_seen FOR SELECT USING (day < now() - interval ''90 days'''
        ' AND current_setting(''rampart.cleaning'', true) = ''on'')';
    EXECUTE 'CREATE POLICY old ON model_seen FOR DELETE USING (day < now() - interval ''90 days'''
        ' AND current_setting(''rampart.cleaning'', true) = ''on'')';
END $$;

GRANT SELECT, INSERT, DELETE ON model_seen TO {service};
GRANT UPDATE (rows, certain, counts) ON model_seen TO {service};
GRANT SELECT, INSERT ON model_drift_told TO {service};
