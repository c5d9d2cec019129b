-- Decisions with what they were computed from, and the outbox through which the other services learn of them.

-- The tenants whose rows this transaction may touch, set by `SET LOCAL rampart.tenants`. None set means none.
CREATE FUNCTION rampart_tenants() RETURNS uuid[]
    LANGUAGE sql STABLE PARALLEL SAFE
    AS $$ SELECT string_to_array(nullif(current_setting('rampart.tenants', true), ''), ',')::uuid[] $$;

CREATE TABLE decisions (
    tenant_id uuid NOT NULL,
    decision_id uuid NOT NULL,
    transaction_id text NOT NULL,
    -- BLAKE2b of the request, to tell a retry from another transaction under the same identifier.
    fingerprint bytea NOT NULL,
    user_id text NOT NULL,
    device_fingerprint text,
    ip_address text,
    merchant_id text,
    amount_minor bigint NOT NULL,
    currency text NOT NULL,
    outcome text NOT NULL,
    event_time timestamptz NOT NULL,
    create_time timestamptz NOT NULL,
    -- rampart.fraud.v1.Decision, the answer byte for byte.
    answer bytea NOT NULL,
    -- rampart.fraud.v1.DecisionInputs.
    inputs bytea NOT NULL,
    PRIMARY KEY (tenant_id, decision_id),
    UNIQUE (tenant_id, transaction_id)
);

-- The sliding windows of each subject, for when Redis cannot answer.
CREATE INDEX decisions_by_user ON decisions (tenant_id, user_id, event_time);
CREATE INDEX decisions_by_device ON decisions (tenant_id, device_fingerprint, event_time) WHERE device_fingerprint IS NOT NULL;
CREATE INDEX decisions_by_ip ON decisions (tenant_id, ip_address, event_time) WHERE ip_address IS NOT NULL;
CREATE INDEX decisions_by_merchant ON decisions (tenant_id, merchant_id, event_time) WHERE merchant_id IS NOT NULL;

ALTER TABLE decisions ENABLE ROW LEVEL SECURITY;
ALTER TABLE decisions FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON decisions
    USING (tenant_id = ANY ((SELECT rampart_tenants())::uuid[]))
    WITH CHECK (tenant_id = ANY ((SELECT rampart_tenants())::uuid[]));

CREATE TABLE outbox (
    seq bigint GENERATED ALWAYS AS IDENTITY,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    tenant_id uuid NOT NULL,
    -- rampart.fraud.v1.DecisionEvent.
    payload bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    -- Rows are read in this order, up to the oldest transaction under way: a late commit is never skipped.
    PRIMARY KEY (xid, seq)
);

ALTER TABLE outbox ENABLE ROW LEVEL SECURITY;
ALTER TABLE outbox FORCE ROW LEVEL SECURITY;
CREATE POLICY write ON outbox FOR INSERT TO {service}
    WITH CHECK (tenant_id = ANY ((SELECT rampart_tenants())::uuid[]));
CREATE POLICY relay_read ON outbox FOR SELECT TO {relay} USING (true);
CREATE POLICY relay_prune ON outbox FOR DELETE TO {relay} USING (true);

-- How far each consumer has acknowledged. Holds no tenant's data.
CREATE TABLE outbox_consumers (
    consumer text PRIMARY KEY,
    xid xid8 NOT NULL,
    seq bigint NOT NULL,
    acknowledged_at timestamptz NOT NULL DEFAULT now()
);
ALTER TABLE outbox_consumers ENABLE ROW LEVEL SECURITY;
ALTER TABLE outbox_consumers FORCE ROW LEVEL SECURITY;
CREATE POLICY relay ON outbox_consumers TO {relay} USING (true) WITH CHECK (true);

-- Stores decisions and their events, and returns how many were new. The policies above apply: the function runs as its
-- caller, and names the tenants of its rows for its own transaction.
CREATE FUNCTION record_decisions(
    tenants text, tenant_ids uuid[], decision_ids uuid[], transaction_ids text[], fingerprints bytea[], user_ids text[],
    device_fingerprints text[], ip_addresses text[], merchant_ids text[], amounts_minor bigint[], currencies text[],
    outcomes text[], event_times timestamptz[], create_times timestamptz[], answers bytea[], all_inputs bytea[],
    payloads bytea[]
) RETURNS bigint
    LANGUAGE plpgsql
    AS $$
DECLARE
    stored bigint;
BEGIN
    PERFORM set_config('rampart.tenants', tenants, true);
    WITH input AS (
        SELECT * FROM unnest(
            tenant_ids, decision_ids, transaction_ids, fingerprints, user_ids, device_fingerprints, ip_addresses,
            merchant_ids, amounts_minor, currencies, outcomes, event_times, create_times, answers, all_inputs, payloads
        ) AS t (
            tenant, decision, transaction, content, payer, device, ip, merchant, amount, money, result, happened,
            made, reply, basis, payload
        )
    ), inserted AS (
        INSERT INTO decisions (
            tenant_id, decision_id, transaction_id, fingerprint, user_id, device_fingerprint, ip_address, merchant_id,
            amount_minor, currency, outcome, event_time, create_time, answer, inputs
        )
        SELECT tenant, decision, transaction, content, payer, nullif(device, ''), nullif(ip, ''), nullif(merchant, ''),
            amount, money, result, happened, made, reply, basis
        FROM input
        ON CONFLICT (tenant_id, transaction_id) DO NOTHING
        RETURNING decision_id
    ), published AS (
        INSERT INTO outbox (tenant_id, payload)
        SELECT tenant, payload FROM input WHERE decision IN (SELECT decision_id FROM inserted)
    )
    SELECT count(*) INTO stored FROM inserted;
    RETURN stored;
END $$;

GRANT USAGE ON SCHEMA public TO {service}, {relay};
GRANT SELECT, INSERT ON decisions TO {service};
GRANT INSERT ON outbox TO {service};
GRANT SELECT, DELETE ON outbox TO {relay};
GRANT SELECT, INSERT, UPDATE ON outbox_consumers TO {relay};
