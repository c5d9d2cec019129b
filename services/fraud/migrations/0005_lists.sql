-- outside a transaction
-- Lists of decisions, newest first, by outcome and by user. The tables stay open for decisions while they are built: how
-- long depends on the rows there are, and what an earlier attempt left half built goes first.
DROP INDEX CONCURRENTLY IF EXISTS decisions_list_by_outcome;
CREATE INDEX CONCURRENTLY decisions_list_by_outcome ON decisions (tenant_id, outcome, decision_id);
DROP INDEX CONCURRENTLY IF EXISTS decisions_list_by_user;
CREATE INDEX CONCURRENTLY decisions_list_by_user ON decisions (tenant_id, user_id, outcome, decision_id);
