-- The audit log: events of each tenant, chained by their hashes (docs/audit.md). Nobody writes into these tables: the
-- service appends by a function, and the notary, a role of its own, anchors and prunes.
CREATE TABLE audit_heads (
    tenant_id uuid PRIMARY KEY,
    sequence bigint NOT NULL CHECK (sequence >= 0),
    hash bytea NOT NULL CHECK (octet_length(hash) = 32)
);

CREATE TABLE audit_events (
    tenant_id uuid NOT NULL,
    sequence bigint NOT NULL CHECK (sequence > 0),
    -- When the database took it. The time of the event itself is what somebody said.
    recorded_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    previous bytea NOT NULL CHECK (octet_length(previous) = 32),
    hash bytea NOT NULL CHECK (octet_length(hash) = 32),
    -- The canonical form, which the hash is of. What is searched derives from it, so that neither can be changed alone.
    content text NOT NULL CHECK (octet_length(content) <= 32768),
    at text COLLATE "C" NOT NULL GENERATED ALWAYS AS (content::jsonb ->> 'time') STORED,
    action text COLLATE "C" NOT NULL GENERATED ALWAYS AS (content::jsonb ->> 'action') STORED,
    outcome text COLLATE "C" NOT NULL GENERATED ALWAYS AS (content::jsonb ->> 'outcome') STORED,
    actor text COLLATE "C" NOT NULL GENERATED ALWAYS AS (content::jsonb ->> 'actor') STORED,
    target text COLLATE "C" NOT NULL GENERATED ALWAYS AS (content::jsonb ->> 'target') STORED,
    PRIMARY KEY (tenant_id, sequence),
    CHECK (content::jsonb ->> 'tenant_id' = tenant_id::text)
);
CREATE INDEX audit_events_by_time ON audit_events (tenant_id, at);
CREATE INDEX audit_events_by_action ON audit_events (tenant_id, action, sequence);
CREATE INDEX audit_events_by_actor ON audit_events (tenant_id, actor, sequence);

-- Heads as they were, sealed with a key that is not in the database.
CREATE TABLE audit_anchors (
    tenant_id uuid NOT NULL,
    sequence bigint NOT NULL CHECK (sequence > 0),
    hash bytea NOT NULL CHECK (octet_length(hash) = 32),
    sealed_at timestamptz NOT NULL,
    seal bytea NOT NULL CHECK (octet_length(seal) = 32),
    PRIMARY KEY (tenant_id, sequence)
);

-- The last event of each tenant that was pruned: the rest follows it.
CREATE TABLE audit_checkpoints (
    tenant_id uuid PRIMARY KEY,
    sequence bigint NOT NULL CHECK (sequence > 0),
    hash bytea NOT NULL CHECK (octet_length(hash) = 32),
    sealed_at timestamptz NOT NULL,
    seal bytea NOT NULL CHECK (octet_length(seal) = 32)
);

ALTER TABLE audit_heads ENABLE ROW LEVEL SECURITY;
ALTER TABLE audit_heads FORCE ROW LEVEL SECURITY;
ALTER TABLE audit_events ENABLE ROW LEVEL SECURITY;
ALTER TABLE audit_events FORCE ROW LEVEL SECURITY;
ALTER TABLE audit_anchors ENABLE ROW LEVEL SECURITY;
ALTER TABLE audit_anchors FORCE ROW LEVEL SECURITY;
ALTER TABLE audit_checkpoints ENABLE ROW LEVEL SECURITY;
ALTER TABLE audit_checkpoints FORCE ROW LEVEL SECURITY;
CREATE POLICY own ON audit_heads USING (tenant_id = ANY ((SELECT rampart_tenants())::uuid[]));
CREATE POLICY own ON audit_events USING (tenant_id = ANY ((SELECT rampart_tenants())::uuid[]));
CREATE POLICY own ON audit_anchors USING (tenant_id = ANY ((SELECT rampart_tenants())::uuid[]));
CREATE POLICY own ON audit_checkpoints USING (tenant_id = ANY ((SELECT rampart_tenants())::uuid[]));

-- The notary sees of all tenants where their logs end and what may be pruned, and no event.
CREATE POLICY notary ON audit_heads FOR SELECT TO {notary} USING (true);
CREATE POLICY notary ON audit_events FOR SELECT TO {notary} USING (true);
CREATE POLICY notary ON audit_anchors FOR SELECT TO {notary} USING (true);
CREATE POLICY notary ON audit_checkpoints FOR SELECT TO {notary} USING (true);
GRANT USAGE ON SCHEMA public TO {notary};
GRANT SELECT ON audit_heads, audit_checkpoints TO {notary};
GRANT SELECT (tenant_id, sequence, hash, recorded_at) ON audit_events TO {notary};
GRANT SELECT, INSERT ON audit_anchors TO {notary};
GRANT SELECT ON audit_heads, audit_events, audit_anchors, audit_checkpoints TO {service};

-- Appends events, in the order given, and returns the sequence of the last. The lock of the head is held from here to
-- the end of the transaction, so this is the last statement of one.
-- It runs as the owner, whom the policies bind like anybody: the tenant must be one that the transaction named.
CREATE FUNCTION audit_append(tenant uuid, contents text[]) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
DECLARE
    head audit_heads;
    befores bytea[] := '{}';
    hashes bytea[] := '{}';
    content text;
BEGIN
    INSERT INTO audit_heads VALUES (tenant, 0, decode(repeat('00', 32), 'hex')) ON CONFLICT DO NOTHING;
    SELECT * INTO STRICT head FROM audit_heads WHERE tenant_id = tenant FOR UPDATE;
    FOREACH content IN ARRAY contents LOOP
        befores := befores || head.hash;
        head.sequence := head.sequence + 1;
        head.hash := sha256(head.hash || int8send(head.sequence) || sha256(convert_to(content, 'UTF8')));
        hashes := hashes || head.hash;
    END LOOP;
    INSERT INTO audit_events (tenant_id, sequence, previous, hash, content)
        SELECT tenant, head.sequence - cardinality(contents) + place, before, made, said
        FROM unnest(befores, hashes, contents) WITH ORDINALITY AS link (before, made, said, place);
    UPDATE audit_heads SET sequence = head.sequence, hash = head.hash WHERE tenant_id = tenant;
    RETURN head.sequence;
END
$$;

-- Deletes the events of a tenant up to one, at least 30 days old, and keeps that as the checkpoint which the rest
-- follows. Returns how many were deleted.
CREATE FUNCTION audit_prune(tenant uuid, last bigint, made_at timestamptz, made_seal bytea) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
DECLARE
    pruned bigint;
BEGIN
    IF EXISTS (
        SELECT FROM audit_events
        WHERE tenant_id = tenant AND sequence <= last AND recorded_at > clock_timestamp() - interval '30 days'
    ) THEN
        RAISE insufficient_privilege USING MESSAGE = 'events of the last 30 days are kept';
    END IF;
    INSERT INTO audit_checkpoints AS kept
        SELECT tenant_id, sequence, hash, made_at, made_seal FROM audit_events WHERE tenant_id = tenant AND sequence = last
        ON CONFLICT (tenant_id) DO UPDATE
        SET sequence = excluded.sequence, hash = excluded.hash, sealed_at = excluded.sealed_at, seal = excluded.seal
        WHERE kept.sequence < excluded.sequence;
    DELETE FROM audit_anchors WHERE tenant_id = tenant AND sequence < last;
    DELETE FROM audit_events WHERE tenant_id = tenant AND sequence <= last;
    GET DIAGNOSTICS pruned = ROW_COUNT;
    RETURN pruned;
END
$$;

-- Binds the owner too: what is in the log stays, but for what a checkpoint stands for.
CREATE FUNCTION audit_keep() RETURNS trigger
LANGUAGE plpgsql SET search_path = public, pg_temp
AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        IF EXISTS (SELECT FROM audit_checkpoints WHERE tenant_id = OLD.tenant_id AND sequence >= OLD.sequence) THEN
            RETURN OLD;
        END IF;
    END IF;
    RAISE insufficient_privilege USING MESSAGE = 'the audit log is append-only';
END
$$;
CREATE TRIGGER keep BEFORE UPDATE OR DELETE ON audit_events FOR EACH ROW EXECUTE FUNCTION audit_keep();
CREATE TRIGGER keep BEFORE UPDATE OR DELETE ON audit_anchors FOR EACH ROW EXECUTE FUNCTION audit_keep();
CREATE TRIGGER keep_all BEFORE TRUNCATE ON audit_events FOR EACH STATEMENT EXECUTE FUNCTION audit_keep();
CREATE TRIGGER keep_all BEFORE TRUNCATE ON audit_anchors FOR EACH STATEMENT EXECUTE FUNCTION audit_keep();

REVOKE ALL ON FUNCTION audit_append(uuid, text[]) FROM PUBLIC;
REVOKE ALL ON FUNCTION audit_prune(uuid, bigint, timestamptz, bytea) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION audit_append(uuid, text[]) TO {service};
GRANT EXECUTE ON FUNCTION audit_prune(uuid, bigint, timestamptz, bytea) TO {notary};
