-- The graph: entities that events name, linked by the events that name both. For tenants that have features of it.

-- How far the outbox was followed: one row, once anybody has. Holds no tenant's data.
CREATE TABLE graph_place (
    is_one boolean PRIMARY KEY DEFAULT true CHECK (is_one),
    xid xid8 NOT NULL,
    seq bigint NOT NULL,
    cluster text NOT NULL,
    event bytea NOT NULL,
    -- All that was committed before is in the graphs.
    reached timestamptz NOT NULL
);
ALTER TABLE graph_place ENABLE ROW LEVEL SECURITY;
ALTER TABLE graph_place FORCE ROW LEVEL SECURITY;
CREATE POLICY service ON graph_place TO {service} USING (true) WITH CHECK (true);
GRANT SELECT, INSERT, UPDATE ON graph_place TO {service};

CREATE TABLE graph_tenants (
    tenant_id uuid PRIMARY KEY,
    -- Decisions up to this one are read of the store, and all others of the outbox.
    begun uuid NOT NULL,
    -- Those up to this one are in the graph.
    filled uuid NOT NULL,
    whole boolean NOT NULL DEFAULT false,
    -- Whether nothing needs it any more: it is being deleted, and this row goes last.
    dropped boolean NOT NULL DEFAULT false
);

-- In the keys and indexes of what follows the tenant comes last: before a table has statistics, an index that begins with the
-- tenant looks as good for any other column, and all of a tenant's rows would be read for each that is looked for.

CREATE TABLE graph_entities (
    tenant_id uuid NOT NULL,
    -- A hash of kind and value: see domain/graph/entities.py.
    entity bigint NOT NULL,
    kind text NOT NULL,
    value text NOT NULL,
    first_time timestamptz NOT NULL,
    last_time timestamptz NOT NULL,
    -- One of the entities that are linked with it. At first itself.
    component bigint NOT NULL,
    degree integer NOT NULL DEFAULT 0,
    fan_in integer NOT NULL DEFAULT 0,
    fan_out integer NOT NULL DEFAULT 0,
    most_repeats integer NOT NULL DEFAULT 0,
    smallest_minor bigint,
    smallest_currency text,
    cycles integer NOT NULL DEFAULT 0,
    frauds integer NOT NULL DEFAULT 0,
    fraud_near integer NOT NULL DEFAULT 0,
    -- Whether `fraud_near` has to be found out anew.
    doubted boolean NOT NULL DEFAULT false,
    PRIMARY KEY (entity, tenant_id)
) WITH (fillfactor = 85);
CREATE INDEX graph_entities_by_component ON graph_entities (component, tenant_id);
CREATE INDEX graph_entities_doubted ON graph_entities (tenant_id, entity) WHERE doubted;

-- Sizes of components. One without a row has one member.
CREATE TABLE graph_components (
    tenant_id uuid NOT NULL,
    component bigint NOT NULL,
    size integer NOT NULL,
    -- Of UTC, since 1970, with the sizes at the ends of the days before it: see domain/graph/growth.py.
    day integer NOT NULL,
    ends integer[] NOT NULL,
    -- Whether it takes in no others.
    is_full boolean NOT NULL DEFAULT false,
    PRIMARY KEY (component, tenant_id)
) WITH (fillfactor = 85);

CREATE TABLE graph_edges (
    tenant_id uuid NOT NULL,
    -- Who pays, of a transfer.
    source bigint NOT NULL,
    target bigint NOT NULL,
    is_transfer boolean NOT NULL,
    events integer NOT NULL,
    -- Of the first amount. Amounts in others are not added. Empty without any.
    currency text NOT NULL,
    amount_minor numeric NOT NULL,
    smallest_minor bigint,
    first_time timestamptz NOT NULL,
    last_time timestamptz NOT NULL,
    PRIMARY KEY (source, target, tenant_id)
) WITH (fillfactor = 85);
-- Of many edges the latest are read.
CREATE INDEX graph_edges_from ON graph_edges (source, tenant_id, last_time);
CREATE INDEX graph_edges_to ON graph_edges (target, tenant_id, last_time);
CREATE INDEX graph_edges_transfers ON graph_edges (target, tenant_id, last_time) WHERE is_transfer;
-- Those that nothing was added to for long are deleted. By day, so that it is in no order in which the latest of an entity
-- could be looked for: where most edges are a hub's, all of them would be read for an entity that has few.
CREATE INDEX graph_edges_by_day ON graph_edges (((last_time AT TIME ZONE 'UTC')::date), tenant_id);

-- The decisions that count as known fraud.
CREATE TABLE graph_frauds (
    tenant_id uuid NOT NULL,
    decision_id uuid NOT NULL,
    PRIMARY KEY (decision_id, tenant_id)
);

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['graph_tenants', 'graph_entities', 'graph_components', 'graph_edges', 'graph_frauds'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
        EXECUTE format('CREATE POLICY tenant ON %I TO {service} USING (tenant_id = ANY ((SELECT rampart_tenants())::uuid[]))'
            ' WITH CHECK (tenant_id = ANY ((SELECT rampart_tenants())::uuid[]))', name);
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO {service}', name);
    END LOOP;
END $$;

-- Whoever keeps the graphs finds the tenants that have one.
CREATE POLICY relay ON graph_tenants FOR SELECT TO {relay} USING (true);
GRANT SELECT ON graph_tenants TO {relay};

-- The latest neighbours of an entity.
CREATE FUNCTION graph_neighbours(tenant uuid, entity_of bigint, most integer) RETURNS TABLE (other bigint)
    LANGUAGE sql STABLE
    AS $$
    SELECT near.other FROM (
        (SELECT target AS other, last_time FROM graph_edges WHERE tenant_id = tenant AND source = entity_of
        ORDER BY last_time DESC LIMIT most)
        UNION ALL
        (SELECT source, last_time FROM graph_edges WHERE tenant_id = tenant AND target = entity_of
        ORDER BY last_time DESC LIMIT most)
    ) AS near ORDER BY near.last_time DESC LIMIT most $$;

-- Reads entities in one round trip, each by its key, whatever the statistics say of a tenant's rows. The policies above apply: the function runs as its caller, and names the tenants for
-- its own transaction.
CREATE FUNCTION read_graph(tenants text, tenant_ids uuid[], entities bigint[])
    RETURNS TABLE (
        n bigint, reached timestamptz, whole boolean, kind text, value text, first_time timestamptz, last_time timestamptz,
        component bigint, size integer, day integer, ends integer[], is_full boolean, degree integer, fan_in integer,
        fan_out integer, most_repeats integer, smallest_minor bigint, smallest_currency text, cycles integer,
        frauds integer, fraud_near integer
    )
    LANGUAGE plpgsql
    AS $$
BEGIN
    PERFORM set_config('rampart.tenants', tenants, true);
    RETURN QUERY
    SELECT w.n, p.reached, t.whole AND NOT t.dropped, e.kind, e.value, e.first_time, e.last_time,
        e.component, c.size, c.day, c.ends, coalesce(c.is_full, false), e.degree, e.fan_in,
        e.fan_out, e.most_repeats, e.smallest_minor, e.smallest_currency, e.cycles, e.frauds, e.fraud_near
    FROM unnest(tenant_ids, entities) WITH ORDINALITY AS w (tenant_id, entity, n)
    LEFT JOIN graph_place p ON true
    LEFT JOIN LATERAL (
        SELECT * FROM graph_tenants AS own WHERE own.tenant_id = w.tenant_id LIMIT 1
    ) AS t ON true
    LEFT JOIN LATERAL (
        SELECT * FROM graph_entities AS own WHERE own.tenant_id = w.tenant_id AND own.entity = w.entity LIMIT 1
    ) AS e ON true
    LEFT JOIN LATERAL (
        SELECT * FROM graph_components AS own WHERE own.tenant_id = w.tenant_id AND own.component = e.component LIMIT 1
    ) AS c ON true;
END $$;
