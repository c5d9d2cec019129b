-- A gap names the decisions that were made without a record in the entity logs: whoever reads a log adds those of its key,
-- and need not read the whole history.
ALTER TABLE log_gaps ADD COLUMN decisions uuid[] NOT NULL DEFAULT '{}';

-- Of gaps of before: all that were decided without an input whose name begins so, from some minutes before on.
ALTER TABLE log_gaps NO FORCE ROW LEVEL SECURITY;
ALTER TABLE decisions NO FORCE ROW LEVEL SECURITY;
UPDATE log_gaps AS g SET decisions = ARRAY(
    SELECT d.decision_id FROM decisions AS d
    WHERE d.tenant_id = g.tenant_id AND d.decision_id >= first_decision_id(g.opened - interval '6 minutes')
        AND position('features'::bytea IN d.inputs) > 0
);
ALTER TABLE decisions FORCE ROW LEVEL SECURITY;
ALTER TABLE log_gaps FORCE ROW LEVEL SECURITY;
ALTER TABLE log_gaps ALTER COLUMN decisions DROP DEFAULT;

-- As before, but that gaps name their decisions.
CREATE OR REPLACE FUNCTION record_decisions(
    tenants text, tenant_ids uuid[], decision_ids uuid[], transaction_ids text[], fingerprints bytea[],
    event_types text[], user_ids text[], outcomes text[], event_times timestamptz[], create_times timestamptz[],
    keys1 bigint[], keys2 bigint[], keys3 bigint[], keys4 bigint[], keys5 bigint[], keys6 bigint[], keys7 bigint[],
    keys8 bigint[], events bytea[], answers bytea[], all_inputs bytea[], payloads bytea[], bases smallint[],
    generations bytea[]
) RETURNS bigint
    LANGUAGE plpgsql
    AS $$
DECLARE
    stored bigint;
    present bytea;
    gapped uuid[];
BEGIN
    PERFORM set_config('rampart.tenants', tenants, true);
    IF 2 = ANY (bases) THEN
        INSERT INTO log_gaps (tenant_id, decisions)
        SELECT tenant, array_agg(decision) FROM unnest(tenant_ids, decision_ids, bases) AS t (tenant, decision, basis)
        WHERE basis = 2 GROUP BY tenant;
    END IF;
    present := (SELECT generation FROM log_generation);
    gapped := ARRAY(SELECT DISTINCT g.tenant_id FROM log_gaps AS g);
    WITH input AS (
        SELECT * FROM unnest(
            tenant_ids, decision_ids, transaction_ids, fingerprints, event_types, user_ids, outcomes, event_times,
            create_times, keys1, keys2, keys3, keys4, keys5, keys6, keys7, keys8, events, answers, all_inputs,
            payloads, bases, generations
        ) AS t (
            tenant, decision, transaction, content, kind, payer, result, happened, made, k1, k2, k3, k4, k5, k6, k7, k8,
            fields, reply, inputs, payload, basis, generation
        ) WHERE basis = 2 OR (generation = present AND (basis = 1 OR tenant <> ALL (gapped)))
    ), fresh AS (
        INSERT INTO transactions (tenant_id, transaction_id, decision_id, fingerprint)
        SELECT tenant, transaction, decision, content FROM input
        ON CONFLICT (tenant_id, transaction_id) DO NOTHING
        RETURNING decision_id
    ), inserted AS (
        INSERT INTO decisions (
            tenant_id, decision_id, transaction_id, event_type, user_id, outcome, event_time, create_time, key1, key2,
            key3, key4, key5, key6, key7, key8, event, answer, inputs
        )
        SELECT tenant, decision, transaction, kind, payer, result, happened, made, k1, k2, k3, k4, k5, k6, k7, k8,
            fields, reply, inputs
        FROM input WHERE decision IN (SELECT decision_id FROM fresh)
    ), published AS (
        INSERT INTO outbox (tenant_id, payload)
        SELECT tenant, payload FROM input WHERE decision IN (SELECT decision_id FROM fresh)
    )
    SELECT count(*) INTO stored FROM fresh;
    RETURN stored;
END $$;
