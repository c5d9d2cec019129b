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
