-- The newest version of models that were deleted: one that is made under such a name goes on from there, so that no version that
-- a scenario or a decision names is ever another.
CREATE TABLE model_numbers (
    tenant_id uuid NOT NULL,
    name text COLLATE "C" NOT NULL,
    newest integer NOT NULL CHECK (newest > 0),
    PRIMARY KEY (tenant_id, name)
);

ALTER TABLE model_numbers ENABLE ROW LEVEL SECURITY;
ALTER TABLE model_numbers FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON model_numbers TO {service}
    USING (tenant_id = ANY ((SELECT rampart_tenants())::uuid[]))
    WITH CHECK (tenant_id = ANY ((SELECT rampart_tenants())::uuid[]));
GRANT SELECT, INSERT, UPDATE ON model_numbers TO {service};
