-- Alerts about cases that were not closed in time, and were closed before such alerts closed with them; and tenants that have
-- nothing but alerts without a case, which are looked for when what has ended is deleted.
ALTER TABLE alerts NO FORCE ROW LEVEL SECURITY;
ALTER TABLE cases NO FORCE ROW LEVEL SECURITY;
UPDATE alerts AS a SET state = 'closed', updated_at = now(), revision = a.revision + 1 FROM cases AS c
WHERE a.cause = 'overdue' AND a.state IN ('open', 'acknowledged')
    AND c.tenant_id = a.tenant_id AND c.case_id::text = a.subject AND c.state = 'closed';
INSERT INTO case_tenants (tenant_id) SELECT DISTINCT tenant_id FROM alerts ON CONFLICT DO NOTHING;
ALTER TABLE cases FORCE ROW LEVEL SECURITY;
ALTER TABLE alerts FORCE ROW LEVEL SECURITY;
