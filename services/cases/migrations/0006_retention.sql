-- What has ended is deleted after its time: a case with its alerts, their transactions, its notes, attachments and history.
-- The history still cannot be changed or deleted by itself: it goes with its case alone.
ALTER TABLE alerts
    DROP CONSTRAINT alerts_tenant_id_case_id_fkey,
    ADD CONSTRAINT alerts_tenant_id_case_id_fkey
        FOREIGN KEY (tenant_id, case_id) REFERENCES cases ON DELETE CASCADE NOT VALID;
ALTER TABLE alert_transactions
    DROP CONSTRAINT alert_transactions_tenant_id_alert_id_fkey,
    ADD CONSTRAINT alert_transactions_tenant_id_alert_id_fkey
        FOREIGN KEY (tenant_id, alert_id) REFERENCES alerts ON DELETE CASCADE NOT VALID;
ALTER TABLE dropped_evidence
    DROP CONSTRAINT dropped_evidence_tenant_id_alert_id_fkey,
    ADD CONSTRAINT dropped_evidence_tenant_id_alert_id_fkey
        FOREIGN KEY (tenant_id, alert_id) REFERENCES alerts ON DELETE CASCADE NOT VALID;
DO $$
DECLARE
    each text;
BEGIN
    FOREACH each IN ARRAY ARRAY['case_notes', 'case_attachments', 'case_history'] LOOP
        EXECUTE format('ALTER TABLE %1$I DROP CONSTRAINT %1$s_tenant_id_case_id_fkey, '
                       'ADD CONSTRAINT %1$s_tenant_id_case_id_fkey '
                       'FOREIGN KEY (tenant_id, case_id) REFERENCES cases ON DELETE CASCADE NOT VALID', each);
    END LOOP;
END
$$;
CREATE INDEX dropped_evidence_by_alert ON dropped_evidence (tenant_id, alert_id);

-- Of a tenant's own, what ended long ago may be deleted, by a transaction that says that it cleans up.
CREATE POLICY old ON cases AS RESTRICTIVE FOR DELETE USING (
    state = 'closed' AND closed_at < now() - interval '31 days' AND current_setting('rampart.cleaning', true) = 'on');
CREATE POLICY old ON alerts AS RESTRICTIVE FOR DELETE USING (
    case_id IS NULL AND state IN ('dismissed', 'closed') AND updated_at < now() - interval '31 days'
    AND current_setting('rampart.cleaning', true) = 'on');
CREATE POLICY old ON case_jobs AS RESTRICTIVE FOR DELETE USING (
    created_at < now() - interval '30 days' AND current_setting('rampart.cleaning', true) = 'on');

GRANT DELETE ON cases, alerts, case_jobs TO {service};
