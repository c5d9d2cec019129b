-- Backtests as they were asked for, from where they go on, and what came of them. Their tasks are the task service's.
CREATE TABLE backtests (
    tenant_id uuid NOT NULL,
    backtest_id uuid NOT NULL,
    task_id uuid NOT NULL,
    scenario_id text COLLATE "C" NOT NULL,
    -- 0 for a draft, whose content and checked trees are kept here.
    version integer NOT NULL,
    content text,
    trees text,
    event_type text NOT NULL,
    since timestamptz NOT NULL,
    until timestamptz NOT NULL,
    "values" text NOT NULL,
    created_by text NOT NULL,
    created_at timestamptz NOT NULL,
    -- JSON (see domain/backtests/tally.py).
    result text,
    PRIMARY KEY (tenant_id, backtest_id)
);
CREATE INDEX backtests_created ON backtests (created_at);

CREATE TABLE backtest_checkpoints (
    tenant_id uuid NOT NULL,
    backtest_id uuid NOT NULL,
    -- Grows with every attempt: what an earlier one wants to store is refused.
    token bigint NOT NULL,
    -- The last decision that is counted; null before the first checkpoint.
    after uuid,
    total bigint NOT NULL,
    -- JSON, as the result is; empty once there is a result.
    tally text NOT NULL,
    PRIMARY KEY (tenant_id, backtest_id),
    FOREIGN KEY (tenant_id, backtest_id) REFERENCES backtests ON DELETE CASCADE
);

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['backtests', 'backtest_checkpoints'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
        EXECUTE format('CREATE POLICY tenant ON %I USING (tenant_id = ANY ((SELECT rampart_tenants())::uuid[]))'
            ' WITH CHECK (tenant_id = ANY ((SELECT rampart_tenants())::uuid[]))', name);
    END LOOP;
END $$;

-- Whatever the tenant, backtests of more than 30 days ago may be deleted, by a transaction that says so.
CREATE POLICY old_read ON backtests FOR SELECT USING (
    created_at < now() - interval '30 days' AND current_setting('rampart.cleaning', true) = 'on');
CREATE POLICY old ON backtests FOR DELETE USING (
    created_at < now() - interval '30 days' AND current_setting('rampart.cleaning', true) = 'on');
CREATE POLICY old ON backtest_checkpoints FOR DELETE USING (current_setting('rampart.cleaning', true) = 'on');

GRANT SELECT, INSERT, UPDATE, DELETE ON backtests, backtest_checkpoints TO {service};
