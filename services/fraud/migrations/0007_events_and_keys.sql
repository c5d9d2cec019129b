-- Decisions keep the whole event that they are about and the keys it is counted by, in partitions by time; and the store
-- knows which decisions the entity logs in Redis may lack.

-- What the hashes of keys are keyed with, here and in Redis: made once, never shown.
CREATE TABLE key_secret (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    secret bytea NOT NULL
);
INSERT INTO key_secret (secret) VALUES (sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())));
ALTER TABLE key_secret ENABLE ROW LEVEL SECURITY;
ALTER TABLE key_secret FORCE ROW LEVEL SECURITY;
CREATE POLICY service ON key_secret FOR SELECT TO {service} USING (true);
GRANT SELECT ON key_secret TO {service};

-- The hash of a key's value: 64 bits of SHA-256 over secret, tenant, field and value.
CREATE FUNCTION key_hash(secret bytea, tenant uuid, field text, value text) RETURNS bigint
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$
    SELECT ('x' || encode(substring(
        sha256(secret || uuid_send(tenant) || convert_to(field || chr(1) || value, 'UTF8')) FROM 1 FOR 8
    ), 'hex'))::bit(64)::bigint
    $$;

-- (tenant, transaction) is unique across the partitions.
CREATE TABLE transactions (
    tenant_id uuid NOT NULL,
    transaction_id text NOT NULL,
    decision_id uuid NOT NULL,
    -- BLAKE2b of the request, to tell a retry from another transaction under the same identifier.
    fingerprint bytea NOT NULL,
    PRIMARY KEY (tenant_id, transaction_id)
);

ALTER TABLE decisions RENAME TO decisions_of_before;
ALTER INDEX decisions_pkey RENAME TO decisions_of_before_pkey;
ALTER TABLE decisions_of_before NO FORCE ROW LEVEL SECURITY;

CREATE TABLE decisions (
    tenant_id uuid NOT NULL,
    decision_id uuid NOT NULL,
    transaction_id text NOT NULL,
    event_type text NOT NULL,
    -- Whose decisions are listed together.
    user_id text NOT NULL,
    outcome text NOT NULL,
    event_time timestamptz NOT NULL,
    create_time timestamptz NOT NULL,
    -- Hashes of the values of the event type's keys, in the order in which it declares them.
    key1 bigint,
    key2 bigint,
    key3 bigint,
    key4 bigint,
    key5 bigint,
    key6 bigint,
    key7 bigint,
    key8 bigint,
    -- The fields of the event (JSON, UTF-8).
    event bytea NOT NULL,
    -- rampart.fraud.v1.Decision, the answer byte for byte.
    answer bytea NOT NULL,
    -- rampart.fraud.v1.DecisionInputs.
    inputs bytea NOT NULL,
    PRIMARY KEY (tenant_id, decision_id)
) PARTITION BY RANGE (decision_id);

-- Makes the partitions of the months up to some ahead: identifiers begin with the time. Returns how many were made.
CREATE FUNCTION make_decision_partitions(ahead integer) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
    AS $$
DECLARE
    month date;
    name text;
    made integer := 0;
BEGIN
    FOR n IN 0 .. least(ahead, 24) LOOP
        month := date_trunc('month', now() AT TIME ZONE 'UTC')::date + make_interval(months => n);
        name := 'decisions_' || to_char(month, 'YYYY_MM');
        CONTINUE WHEN to_regclass(name) IS NOT NULL;
        EXECUTE format(
            'CREATE TABLE %I PARTITION OF decisions FOR VALUES FROM (%L) TO (%L)', name,
            first_decision_id(month::timestamp AT TIME ZONE 'UTC'),
            first_decision_id((month + interval '1 month') AT TIME ZONE 'UTC')
        );
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
        made := made + 1;
    END LOOP;
    RETURN made;
END $$;
REVOKE ALL ON FUNCTION make_decision_partitions(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION make_decision_partitions(integer) TO {cleaner};

-- What was decided before there were partitions, and what a clock puts outside of them.
CREATE TABLE decisions_before PARTITION OF decisions DEFAULT;
ALTER TABLE decisions_before ENABLE ROW LEVEL SECURITY;
ALTER TABLE decisions_before FORCE ROW LEVEL SECURITY;

INSERT INTO transactions (tenant_id, transaction_id, decision_id, fingerprint)
SELECT tenant_id, transaction_id, decision_id, fingerprint FROM decisions_of_before;

-- Cards, e-mail addresses and channels of before are among the inputs alone: no feature counted them.
INSERT INTO decisions (
    tenant_id, decision_id, transaction_id, event_type, user_id, outcome, event_time, create_time, key1, key2, key3,
    key4, event, answer, inputs
)
SELECT tenant_id, decision_id, transaction_id, 'payment', user_id, outcome, event_time, create_time,
    key_hash(secret, tenant_id, 'user_id', user_id),
    key_hash(secret, tenant_id, 'device_fingerprint', device_fingerprint),
    key_hash(secret, tenant_id, 'ip_address', ip_address),
    key_hash(secret, tenant_id, 'merchant_id', merchant_id),
    convert_to(json_strip_nulls(json_build_object(
        'user_id', user_id, 'amount', json_build_array(amount_minor, currency), 'device_fingerprint',
        device_fingerprint, 'ip_address', ip_address, 'merchant_id', merchant_id
    ))::text, 'UTF8'),
    answer, inputs
FROM decisions_of_before CROSS JOIN key_secret;

DROP TABLE decisions_of_before;
SELECT make_decision_partitions(3);

CREATE INDEX decisions_list_by_outcome ON decisions (tenant_id, outcome, decision_id);
CREATE INDEX decisions_list_by_user ON decisions (tenant_id, user_id, outcome, decision_id);
-- The history of a key, for when Redis does not know it.
CREATE INDEX decisions_by_key1 ON decisions (key1, event_time) WHERE key1 IS NOT NULL;
CREATE INDEX decisions_by_key2 ON decisions (key2, event_time) WHERE key2 IS NOT NULL;
CREATE INDEX decisions_by_key3 ON decisions (key3, event_time) WHERE key3 IS NOT NULL;
CREATE INDEX decisions_by_key4 ON decisions (key4, event_time) WHERE key4 IS NOT NULL;
CREATE INDEX decisions_by_key5 ON decisions (key5, event_time) WHERE key5 IS NOT NULL;
CREATE INDEX decisions_by_key6 ON decisions (key6, event_time) WHERE key6 IS NOT NULL;
CREATE INDEX decisions_by_key7 ON decisions (key7, event_time) WHERE key7 IS NOT NULL;
CREATE INDEX decisions_by_key8 ON decisions (key8, event_time) WHERE key8 IS NOT NULL;

ALTER TABLE decisions ENABLE ROW LEVEL SECURITY;
ALTER TABLE decisions FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON decisions TO {service}
    USING (tenant_id = ANY ((SELECT rampart_tenants())::uuid[]))
    WITH CHECK (tenant_id = ANY ((SELECT rampart_tenants())::uuid[]));
ALTER TABLE transactions ENABLE ROW LEVEL SECURITY;
ALTER TABLE transactions FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON transactions TO {service}
    USING (tenant_id = ANY ((SELECT rampart_tenants())::uuid[]))
    WITH CHECK (tenant_id = ANY ((SELECT rampart_tenants())::uuid[]));
GRANT SELECT, INSERT ON decisions, transactions TO {service};

-- The cleaner sees of all tenants when decisions were made and nothing of what they say.
CREATE POLICY cleaner_read ON decisions FOR SELECT TO {cleaner} USING (true);
CREATE POLICY cleaner_delete ON decisions FOR DELETE TO {cleaner} USING (create_time < now() - interval '31 days');
CREATE POLICY cleaner_read ON transactions FOR SELECT TO {cleaner} USING (true);
CREATE POLICY cleaner_delete ON transactions FOR DELETE TO {cleaner}
    USING (decision_id < first_decision_id(now() - interval '31 days'));
GRANT SELECT (tenant_id, decision_id, transaction_id, create_time), DELETE ON decisions TO {cleaner};
GRANT SELECT (tenant_id, transaction_id, decision_id), DELETE ON transactions TO {cleaner};

-- Tenants with decisions that were committed without a record in the entity logs: until those are there, nobody decides
-- from the logs of such a tenant.
CREATE TABLE log_gaps (
    tenant_id uuid NOT NULL,
    opened timestamptz NOT NULL DEFAULT clock_timestamp(),
    -- When the records were put there; the gap is closed once nobody can be under way who read the logs before.
    filled timestamptz,
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY
);
CREATE INDEX log_gaps_of_tenant ON log_gaps (tenant_id);
ALTER TABLE log_gaps ENABLE ROW LEVEL SECURITY;
ALTER TABLE log_gaps FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON log_gaps TO {service}
    USING (tenant_id = ANY ((SELECT rampart_tenants())::uuid[]))
    WITH CHECK (tenant_id = ANY ((SELECT rampart_tenants())::uuid[]));
CREATE POLICY relay ON log_gaps FOR SELECT TO {relay} USING (true);
GRANT SELECT, INSERT, UPDATE, DELETE ON log_gaps TO {service};
GRANT SELECT ON log_gaps TO {relay};

-- The generation of the entity logs that decisions are made with: whoever meets another one in Redis says so here before
-- using it, and no decision is stored that was made with one of before, whose logs may be lost.
CREATE TABLE log_generation (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    generation bytea NOT NULL
);
INSERT INTO log_generation (generation) VALUES ('');
ALTER TABLE log_generation ENABLE ROW LEVEL SECURITY;
ALTER TABLE log_generation FORCE ROW LEVEL SECURITY;
CREATE POLICY service ON log_generation TO {service} USING (true) WITH CHECK (true);
GRANT SELECT, UPDATE ON log_generation TO {service};

DROP FUNCTION record_decisions(
    text, uuid[], uuid[], text[], bytea[], text[], text[], text[], text[], bigint[], text[], text[], timestamptz[],
    timestamptz[], bytea[], bytea[], bytea[]
);

-- Stores decisions and their events, and returns how many were new. `bases` says what each was decided from: 0 the entity
-- logs; 1 the history, with a record in the logs; 2 the history, without one. Not stored is what was logged in another
-- generation than the present one, and what was decided from the logs of a tenant whose logs lack decisions. The policies
-- above apply: the function runs as its caller, and names the tenants of its rows for its own transaction.
CREATE FUNCTION record_decisions(
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
        INSERT INTO log_gaps (tenant_id)
        SELECT DISTINCT tenant FROM unnest(tenant_ids, bases) AS t (tenant, basis) WHERE basis = 2;
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
