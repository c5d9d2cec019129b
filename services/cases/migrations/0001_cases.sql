-- Alerts and cases. Tenants are separated by row-level security, which holds for the owner as well.

CREATE FUNCTION rampart_tenants() RETURNS uuid[]
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN coalesce(string_to_array(nullif(current_setting('rampart.tenants', true), ''), ',')::uuid[], '{}');

CREATE TABLE settings (
    tenant_id    uuid    PRIMARY KEY,
    threshold    float8  NOT NULL CHECK (threshold BETWEEN 0.5 AND 1),
    low_hours    integer NOT NULL,
    normal_hours integer NOT NULL,
    high_hours   integer NOT NULL,
    urgent_hours integer NOT NULL,
    revision     bigint  NOT NULL
);

CREATE TABLE cases (
    tenant_id         uuid        NOT NULL,
    case_id           uuid        NOT NULL,
    entity_kind       text        NOT NULL,
    entity            text        COLLATE "C" NOT NULL,
    state             text        NOT NULL CHECK (state IN ('open', 'assigned', 'closed')),
    assignee          text        COLLATE "C" NOT NULL,
    level             smallint    NOT NULL,
    priority          smallint    NOT NULL,
    score             float8      NOT NULL,
    -- [[currency, smallest units, digits], ...]
    amounts           jsonb       NOT NULL,
    -- What cases are compared by: hundredths of a unit.
    money             bigint      NOT NULL,
    alert_count       integer     NOT NULL,
    transaction_count bigint      NOT NULL,
    disposition       text        NOT NULL,
    merged_into       uuid,
    split_from        uuid,
    overdue           boolean     NOT NULL,
    revision          bigint      NOT NULL,
    created_at        timestamptz NOT NULL,
    updated_at        timestamptz NOT NULL,
    due_at            timestamptz NOT NULL,
    closed_at         timestamptz,
    PRIMARY KEY (tenant_id, case_id)
);
-- The queue, in its order.
CREATE INDEX cases_by_place ON cases (tenant_id, priority DESC, money DESC, created_at, case_id);
CREATE INDEX cases_in_queue ON cases (tenant_id, priority DESC, money DESC, created_at, case_id) WHERE state = 'open';
CREATE INDEX cases_by_due_time ON cases (tenant_id, due_at) WHERE state <> 'closed' AND NOT overdue;
CREATE INDEX cases_by_entity ON cases (tenant_id, entity);
-- One case of an entity takes its further alerts.
CREATE UNIQUE INDEX cases_open ON cases (tenant_id, entity_kind, entity) WHERE state <> 'closed' AND split_from IS NULL;

CREATE TABLE alerts (
    tenant_id   uuid        NOT NULL,
    alert_id    uuid        NOT NULL,
    cause       text        NOT NULL,
    subject     text        COLLATE "C" NOT NULL,
    entity_kind text        NOT NULL,
    entity      text        COLLATE "C" NOT NULL,
    state       text        NOT NULL CHECK (state IN ('open', 'acknowledged', 'dismissed', 'closed')),
    severity    smallint    NOT NULL,
    score       float8      NOT NULL,
    count       bigint      NOT NULL,
    amounts     jsonb       NOT NULL,
    first_time  timestamptz NOT NULL,
    last_time   timestamptz NOT NULL,
    case_id     uuid,
    words       text        NOT NULL,
    reason      text        NOT NULL,
    changed_by  text        NOT NULL,
    revision    bigint      NOT NULL,
    created_at  timestamptz NOT NULL,
    updated_at  timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, alert_id),
    FOREIGN KEY (tenant_id, case_id) REFERENCES cases
);
-- What comes while an alert is live is added to it.
CREATE UNIQUE INDEX alerts_live ON alerts (tenant_id, entity_kind, entity, cause, subject)
    WHERE state IN ('open', 'acknowledged');
CREATE INDEX alerts_by_case ON alerts (tenant_id, case_id) WHERE case_id IS NOT NULL;
CREATE INDEX alerts_by_entity ON alerts (tenant_id, entity, alert_id);

CREATE TABLE alert_transactions (
    tenant_id      uuid        NOT NULL,
    alert_id       uuid        NOT NULL,
    transaction_id text        COLLATE "C" NOT NULL,
    decision_id    text        NOT NULL,
    user_id        text        NOT NULL,
    card           text        NOT NULL,
    amount_minor   bigint      NOT NULL,
    digits         smallint    NOT NULL,
    currency       text        NOT NULL,
    score          float8      NOT NULL,
    score_source   text        NOT NULL,
    outcome        text        NOT NULL,
    risk_factors   text[]      NOT NULL,
    event_time     timestamptz NOT NULL,
    decide_time    timestamptz NOT NULL,
    label          text        NOT NULL,
    label_known    timestamptz,
    PRIMARY KEY (tenant_id, alert_id, transaction_id),
    FOREIGN KEY (tenant_id, alert_id) REFERENCES alerts
);
CREATE INDEX alert_transactions_by_name ON alert_transactions (tenant_id, transaction_id);

CREATE TABLE case_notes (
    tenant_id  uuid        NOT NULL,
    case_id    uuid        NOT NULL,
    note_id    uuid        NOT NULL,
    words      text        NOT NULL,
    author     text        NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, case_id, note_id),
    FOREIGN KEY (tenant_id, case_id) REFERENCES cases
);

CREATE TABLE case_attachments (
    tenant_id     uuid        NOT NULL,
    case_id       uuid        NOT NULL,
    attachment_id uuid        NOT NULL,
    uri           text        NOT NULL,
    name          text        NOT NULL,
    media_type    text        NOT NULL,
    size          bigint      NOT NULL,
    author        text        NOT NULL,
    created_at    timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, case_id, attachment_id),
    FOREIGN KEY (tenant_id, case_id) REFERENCES cases
);

-- The service adds to it and cannot change it.
CREATE TABLE case_history (
    tenant_id  uuid        NOT NULL,
    case_id    uuid        NOT NULL,
    number     integer     NOT NULL,
    action     text        NOT NULL,
    actor      text        NOT NULL,
    created_at timestamptz NOT NULL,
    details    jsonb       NOT NULL,
    PRIMARY KEY (tenant_id, case_id, number),
    FOREIGN KEY (tenant_id, case_id) REFERENCES cases
);

-- Requests with a name and what was answered, written in the transaction of their effect.
CREATE TABLE requests (
    tenant_id   uuid        NOT NULL,
    request_id  uuid        NOT NULL,
    method      text        NOT NULL,
    fingerprint bytea       NOT NULL,
    response    bytea       NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, request_id)
);
CREATE INDEX requests_created_at ON requests (created_at);

-- What was done, for the other services: rampart.cases.v1.CaseEvent, written in the commit of the change.
CREATE TABLE outbox (
    seq        bigint      GENERATED ALWAYS AS IDENTITY,
    xid        xid8        NOT NULL DEFAULT pg_current_xact_id(),
    tenant_id  uuid        NOT NULL,
    payload    bytea       NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (xid, seq)
);
CREATE INDEX outbox_created_at ON outbox (created_at);

-- How far each source was followed; changes only together with its effect.
CREATE TABLE positions (
    source  text   PRIMARY KEY,
    xid     xid8   NOT NULL,
    seq     bigint NOT NULL,
    -- Identifier of the PostgreSQL cluster that gave the place out. Empty while unknown.
    cluster text   NOT NULL DEFAULT '',
    -- SHA-256 of the event at the place. Empty while unknown.
    event   bytea  NOT NULL DEFAULT '',
    -- Why the source can no longer be followed from here. Empty while it can.
    lost    text   NOT NULL DEFAULT '',
    -- When the newest event that was followed was written.
    newest  timestamptz
);
INSERT INTO positions (source, xid, seq) VALUES ('fraud', '0', 0);

-- Events that cannot take effect, whole. They belong to no tenant, because what cannot be read names none; the service
-- adds to them and cannot read them back.
CREATE TABLE dead_letters (
    source    text        NOT NULL,
    digest    bytea       NOT NULL,
    after_xid xid8        NOT NULL,
    after_seq bigint      NOT NULL,
    last_xid  xid8        NOT NULL,
    last_seq  bigint      NOT NULL,
    payload   bytea       NOT NULL,
    error     text        NOT NULL,
    buried_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (source, digest)
);

-- Tenants that have cases, so that those that are due are found. It says nothing else of them.
CREATE TABLE case_tenants (tenant_id uuid PRIMARY KEY);

DO $$
DECLARE
    each text;
BEGIN
    FOREACH each IN ARRAY ARRAY['settings', 'cases', 'alerts', 'alert_transactions', 'case_notes', 'case_attachments',
                                'case_history'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', each);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', each);
        EXECUTE format('CREATE POLICY own ON %I USING (tenant_id = ANY ((SELECT rampart_tenants())::uuid[]))', each);
    END LOOP;
END
$$;

ALTER TABLE requests ENABLE ROW LEVEL SECURITY;
ALTER TABLE requests FORCE ROW LEVEL SECURITY;
CREATE POLICY own_read ON requests FOR SELECT USING (tenant_id = ANY ((SELECT rampart_tenants())::uuid[]));
CREATE POLICY own_new ON requests FOR INSERT WITH CHECK (tenant_id = ANY ((SELECT rampart_tenants())::uuid[]));
CREATE POLICY own_answer ON requests FOR UPDATE USING (tenant_id = ANY ((SELECT rampart_tenants())::uuid[]));
-- Whatever the tenant, what is older than a day may be deleted, by a transaction that says that it cleans up.
CREATE POLICY old_read ON requests FOR SELECT
    USING (created_at < now() - interval '24 hours' AND current_setting('rampart.cleaning', true) = 'on');
CREATE POLICY old ON requests FOR DELETE
    USING (created_at < now() - interval '24 hours' AND current_setting('rampart.cleaning', true) = 'on');

ALTER TABLE outbox ENABLE ROW LEVEL SECURITY;
ALTER TABLE outbox FORCE ROW LEVEL SECURITY;
CREATE POLICY write ON outbox FOR INSERT WITH CHECK (tenant_id = ANY ((SELECT rampart_tenants())::uuid[]));
CREATE POLICY old_read ON outbox FOR SELECT
    USING (created_at < now() - interval '30 days' AND current_setting('rampart.cleaning', true) = 'on');
CREATE POLICY old ON outbox FOR DELETE
    USING (created_at < now() - interval '30 days' AND current_setting('rampart.cleaning', true) = 'on');

GRANT SELECT, INSERT, UPDATE ON settings, cases, alerts TO {service};
GRANT SELECT, INSERT, UPDATE, DELETE ON alert_transactions TO {service};
GRANT SELECT, INSERT ON case_notes, case_attachments, case_history, case_tenants TO {service};
GRANT SELECT, INSERT, UPDATE, DELETE ON requests TO {service};
GRANT SELECT, INSERT, DELETE ON outbox TO {service};
GRANT SELECT, UPDATE ON positions TO {service};
GRANT INSERT ON dead_letters TO {service};
