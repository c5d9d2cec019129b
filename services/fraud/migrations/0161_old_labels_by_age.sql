-- outside a transaction
-- Labels that wait for their transactions, by age. The table stays open while this is built; what an earlier attempt left half
-- built goes first.
DROP INDEX CONCURRENTLY IF EXISTS labels_pending_by_age;
CREATE INDEX CONCURRENTLY labels_pending_by_age ON labels (create_time) WHERE decision_id IS NULL;
