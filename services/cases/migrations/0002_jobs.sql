-- Something that is done with many alerts or cases, with how far it is.

CREATE TABLE case_jobs (
    tenant_id  uuid        NOT NULL,
    job_id     uuid        NOT NULL,
    task_id    uuid        NOT NULL,
    action     text        NOT NULL,
    argument   text        NOT NULL,
    items      uuid[]      NOT NULL,
    done       integer     NOT NULL,
    changed    integer     NOT NULL,
    refused    integer     NOT NULL,
    created_by text        NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, job_id)
);

ALTER TABLE case_jobs ENABLE ROW LEVEL SECURITY;
ALTER TABLE case_jobs FORCE ROW LEVEL SECURITY;
CREATE POLICY own ON case_jobs USING (tenant_id = ANY ((SELECT rampart_tenants())::uuid[]));

GRANT SELECT, INSERT, UPDATE ON case_jobs TO {service};
