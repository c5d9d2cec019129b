-- Requests with a name and what was answered, written in the transaction of their effect.
-- Answers that hold a secret are encrypted by the service.
CREATE TABLE requests (
    tenant_id uuid NOT NULL,
    request_id uuid NOT NULL,
    method text NOT NULL,
    fingerprint bytea NOT NULL,
    response bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, request_id)
);
CREATE INDEX requests_created_at ON requests (created_at);

ALTER TABLE requests ENABLE ROW LEVEL SECURITY;
ALTER TABLE requests FORCE ROW LEVEL SECURITY;
CREATE POLICY own_read ON requests FOR SELECT USING (tenant_id = ANY ((SELECT rampart_tenants())::uuid[]));
CREATE POLICY own_new ON requests FOR INSERT WITH CHECK (tenant_id = ANY ((SELECT rampart_tenants())::uuid[]));
CREATE POLICY own_answer ON requests FOR UPDATE USING (tenant_id = ANY ((SELECT rampart_tenants())::uuid[]));

-- Whatever the tenant, what is older than a day may be deleted, by a transaction that says that it cleans up; nothing else may.
CREATE POLICY old_read ON requests FOR SELECT
    USING (created_at < now() - interval '24 hours' AND current_setting('rampart.cleaning', true) = 'on');
CREATE POLICY old ON requests FOR DELETE
    USING (created_at < now() - interval '24 hours' AND current_setting('rampart.cleaning', true) = 'on');

GRANT SELECT, INSERT, UPDATE, DELETE ON requests TO {service};
