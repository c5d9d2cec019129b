-- Watching the decisions of a tenant: the service reads the outbox of the tenants that its transaction names, and knows
-- from where on the outbox is whole.

CREATE POLICY watch ON outbox FOR SELECT TO {service}
    USING (tenant_id = ANY ((SELECT rampart_tenants())::uuid[]));
GRANT SELECT ON outbox TO {service};

-- The last place that was pruned, moved in the transaction that prunes. Holds no tenant's data.
CREATE TABLE outbox_pruned (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    xid xid8 NOT NULL,
    seq bigint NOT NULL
);
INSERT INTO outbox_pruned (xid, seq) VALUES ('0', 0);
ALTER TABLE outbox_pruned ENABLE ROW LEVEL SECURITY;
ALTER TABLE outbox_pruned FORCE ROW LEVEL SECURITY;
CREATE POLICY watch ON outbox_pruned FOR SELECT TO {service} USING (true);
CREATE POLICY relay ON outbox_pruned TO {relay} USING (true) WITH CHECK (true);
GRANT SELECT ON outbox_pruned TO {service};
GRANT SELECT, UPDATE ON outbox_pruned TO {relay};

-- The rows of these tenants that follow a place and that no later commit can precede, each with what was settled and
-- pruned at that moment; one row without an event if there are none. The policies above apply: the function runs as its
-- caller, and names the tenants for its own transaction. Rows of other tenants are stepped over and not counted, hence
-- the end: the read is bounded in transactions as well as in rows.
CREATE FUNCTION watch_outbox(tenants text, after_xid xid8, after_seq bigint, end_xid xid8, most bigint)
    RETURNS TABLE (
        settled xid8, next xid8, gone_xid xid8, gone_seq bigint, event_xid xid8, event_seq bigint, payload bytea
    )
    LANGUAGE plpgsql
    AS $$
BEGIN
    PERFORM set_config('rampart.tenants', tenants, true);
    -- One statement, hence one snapshot.
    RETURN QUERY
    SELECT head.settled, head.next, gone.xid, gone.seq, event.xid, event.seq, event.payload
    FROM (
        SELECT pg_snapshot_xmin(s) AS settled, pg_snapshot_xmax(s) AS next FROM pg_current_snapshot() AS s
    ) AS head
    CROSS JOIN outbox_pruned AS gone
    LEFT JOIN LATERAL (
        SELECT o.xid, o.seq, o.payload FROM outbox AS o
        WHERE (o.xid, o.seq) > (after_xid, after_seq) AND o.xid < least(head.settled, end_xid)
        ORDER BY o.xid, o.seq LIMIT most
    ) AS event ON true
    ORDER BY event.xid, event.seq;
END $$;

-- The answers of decisions, each matched by its tenant as well.
CREATE FUNCTION watch_answers(tenants text, tenant_ids uuid[], decision_ids uuid[])
    RETURNS TABLE (decision_id uuid, answer bytea)
    LANGUAGE plpgsql
    AS $$
BEGIN
    PERFORM set_config('rampart.tenants', tenants, true);
    RETURN QUERY
    SELECT d.decision_id, d.answer FROM unnest(tenant_ids, decision_ids) AS k (tenant, decision)
    JOIN decisions AS d ON d.tenant_id = k.tenant AND d.decision_id = k.decision;
END $$;
