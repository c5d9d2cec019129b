-- outside a transaction
-- Known fraud of graphs, by when it happened. The table stays open while this is built; what an earlier attempt left half built
-- goes first.
DROP INDEX CONCURRENTLY IF EXISTS graph_frauds_by_time;
CREATE INDEX CONCURRENTLY graph_frauds_by_time ON graph_frauds (event_time, tenant_id);
