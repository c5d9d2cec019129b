-- What a tenant has is exported and erased by a role of its own: of the tenants that a transaction names it reads and
-- deletes rows, and it changes none. A migration that makes a table with a tenant_id ends with this function for it.
CREATE FUNCTION rampart_erasable(of_tenants regclass) RETURNS void
LANGUAGE plpgsql
AS $$
BEGIN
    EXECUTE format('GRANT SELECT, DELETE ON %s TO {eraser}', of_tenants);
    EXECUTE format('CREATE POLICY eraser ON %s TO {eraser} '
                   'USING (tenant_id = ANY ((SELECT rampart_tenants())::uuid[]))', of_tenants);
    -- Whatever else a policy opens for everybody.
    EXECUTE format('CREATE POLICY eraser_only ON %s AS RESTRICTIVE TO {eraser} '
                   'USING (tenant_id = ANY ((SELECT rampart_tenants())::uuid[]))', of_tenants);
END
$$;
REVOKE ALL ON FUNCTION rampart_erasable(regclass) FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO {eraser};
SELECT rampart_erasable(c.oid) FROM pg_class AS c
WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition
    AND EXISTS (SELECT FROM pg_attribute WHERE attrelid = c.oid AND attname = 'tenant_id' AND NOT attisdropped);

-- A dead letter belongs to no tenant, but an event in it names one.
ALTER TABLE dead_letters ENABLE ROW LEVEL SECURITY;
CREATE POLICY service ON dead_letters TO {service} USING (true) WITH CHECK (true);
CREATE POLICY eraser ON dead_letters TO {eraser} USING (EXISTS (
    SELECT FROM unnest((SELECT rampart_tenants())::uuid[]) AS tenant
    WHERE position(convert_to(tenant::text, 'UTF8') IN payload) > 0));
GRANT SELECT, DELETE ON dead_letters TO {eraser};

-- It says nothing of a tenant but that there is one, and is read to find what is due.
ALTER TABLE case_tenants ENABLE ROW LEVEL SECURITY;
ALTER TABLE case_tenants FORCE ROW LEVEL SECURITY;
CREATE POLICY service ON case_tenants TO {service} USING (true) WITH CHECK (true);

-- What the service may not delete yet is erased with its tenant.
ALTER POLICY old ON cases TO {service};
ALTER POLICY old ON alerts TO {service};
ALTER POLICY old ON case_jobs TO {service};
