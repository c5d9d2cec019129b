-- What versions in the shadow would have answered, in parts of one process each, which are added up when they are read.
CREATE TABLE scenario_shadows (
    tenant_id uuid NOT NULL,
    scenario_id text COLLATE "C" NOT NULL,
    version integer NOT NULL,
    part uuid NOT NULL,
    -- JSON (see domain/scenarios/shadows.py).
    report text NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, scenario_id, version, part)
);
CREATE INDEX scenario_shadows_updated ON scenario_shadows (updated_at);
ALTER TABLE scenario_shadows ENABLE ROW LEVEL SECURITY;
ALTER TABLE scenario_shadows FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON scenario_shadows TO {service}
    USING (tenant_id = ANY ((SELECT rampart_tenants())::uuid[]))
    WITH CHECK (tenant_id = ANY ((SELECT rampart_tenants())::uuid[]));
-- Whatever the tenant, old parts may be deleted, by a transaction that says so.
CREATE POLICY old_read ON scenario_shadows FOR SELECT TO {service} USING (
    updated_at < now() - interval '90 days' AND current_setting('rampart.cleaning', true) = 'on');
CREATE POLICY old ON scenario_shadows FOR DELETE TO {service} USING (
    updated_at < now() - interval '90 days' AND current_setting('rampart.cleaning', true) = 'on');
GRANT SELECT, INSERT, UPDATE, DELETE ON scenario_shadows TO {service};
