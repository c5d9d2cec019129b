-- Reports of quality as they were asked for, and what came of them. Their tasks are the task service's.
CREATE TABLE quality_reports (
    tenant_id uuid NOT NULL,
    report_id uuid NOT NULL,
    task_id uuid NOT NULL,
    -- JSON (see domain/quality/question.py).
    question text NOT NULL,
    created_by text NOT NULL,
    created_at timestamptz NOT NULL,
    -- Grows with every attempt: what an earlier one wants to store is refused.
    token bigint NOT NULL DEFAULT 0,
    -- rampart.fraud.v1.QualityResult, as it is told.
    result bytea,
    finished_at timestamptz,
    PRIMARY KEY (tenant_id, report_id),
    CHECK ((result IS NULL) = (finished_at IS NULL))
);
CREATE INDEX quality_reports_created ON quality_reports (created_at);
CREATE INDEX quality_reports_unfinished ON quality_reports (tenant_id, report_id) WHERE finished_at IS NULL;

ALTER TABLE quality_reports ENABLE ROW LEVEL SECURITY;
ALTER TABLE quality_reports FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON quality_reports TO {service}
    USING (tenant_id = ANY ((SELECT rampart_tenants())::uuid[]))
    WITH CHECK (tenant_id = ANY ((SELECT rampart_tenants())::uuid[]));

-- Whatever the tenant, reports of more than 400 days ago may be deleted, by a transaction that says so.
CREATE POLICY old_read ON quality_reports FOR SELECT TO {service} USING (
    created_at < now() - interval '400 days' AND current_setting('rampart.cleaning', true) = 'on');
CREATE POLICY old ON quality_reports FOR DELETE TO {service} USING (
    created_at < now() - interval '400 days' AND current_setting('rampart.cleaning', true) = 'on');

GRANT SELECT, INSERT, DELETE ON quality_reports TO {service};
GRANT UPDATE (token, result, finished_at) ON quality_reports TO {service};
