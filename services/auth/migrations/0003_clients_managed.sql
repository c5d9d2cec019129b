-- A client whose secret was replaced, or that gets no tokens for now.
ALTER TABLE clients
    ADD COLUMN rotated_at timestamptz,
    ADD COLUMN disabled_at timestamptz;
GRANT UPDATE (secret_hash, rotated_at, disabled_at) ON clients TO {service};

-- Operators list the tenants. As with the settings of 0001, the service opens the rows for one transaction, to read them.
CREATE POLICY listed ON tenants FOR SELECT USING ((SELECT current_setting('rampart.all_tenants', true)) = 'on');
