-- outside a transaction
-- What ended, by when. The tables stay open while these are built; what an earlier attempt left half built goes first.
DROP INDEX CONCURRENTLY IF EXISTS cases_by_end;
CREATE INDEX CONCURRENTLY cases_by_end ON cases (tenant_id, closed_at) WHERE state = 'closed';
DROP INDEX CONCURRENTLY IF EXISTS alerts_without_case;
CREATE INDEX CONCURRENTLY alerts_without_case ON alerts (tenant_id, updated_at) WHERE case_id IS NULL;
DROP INDEX CONCURRENTLY IF EXISTS case_jobs_by_time;
CREATE INDEX CONCURRENTLY case_jobs_by_time ON case_jobs (tenant_id, created_at);
