-- Transactions that an alert has counted and that are not kept with it, because others are newer. They are forgotten once
-- the decisions that are looked at again after a lost place are all younger.
CREATE TABLE dropped_evidence (
    tenant_id      uuid        NOT NULL,
    transaction_id text        COLLATE "C" NOT NULL,
    alert_id       uuid        NOT NULL,
    decide_time    timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, transaction_id, alert_id),
    FOREIGN KEY (tenant_id, alert_id) REFERENCES alerts
);
CREATE INDEX dropped_evidence_by_time ON dropped_evidence (tenant_id, decide_time);

ALTER TABLE dropped_evidence ENABLE ROW LEVEL SECURITY;
ALTER TABLE dropped_evidence FORCE ROW LEVEL SECURITY;
CREATE POLICY own ON dropped_evidence USING (tenant_id = ANY ((SELECT rampart_tenants())::uuid[]));

GRANT SELECT, INSERT, DELETE ON dropped_evidence TO {service};
