-- Tasks, the attempts at them, and the schedules that make them. All times are this database's: it is the one clock that
-- every replica and every worker is measured by.

-- The tenants whose rows this transaction may touch. None set means none.
CREATE FUNCTION rampart_tenants() RETURNS uuid[]
    LANGUAGE sql STABLE PARALLEL SAFE
    AS $$ SELECT coalesce(string_to_array(nullif(current_setting('rampart.tenants', true), ''), ',')::uuid[], '{}') $$;

-- A UUIDv7 (RFC 9562, section 5.7): 48 bits of milliseconds, the rest at random.
CREATE FUNCTION new_task_id() RETURNS uuid
    LANGUAGE sql VOLATILE
    AS $$
    SELECT encode(set_bit(set_bit(overlay(uuid_send(gen_random_uuid()) PLACING
        substring(int8send((extract(epoch FROM clock_timestamp()) * 1000)::bigint) FROM 3) FROM 1 FOR 6
    ), 52, 1), 53, 1), 'hex')::uuid $$;

CREATE TABLE tasks (
    tenant_id uuid NOT NULL,
    task_id uuid NOT NULL,
    title text NOT NULL,
    priority smallint NOT NULL CHECK (priority BETWEEN 0 AND 3),
    kind text NOT NULL,
    state text NOT NULL
        CHECK (state IN ('pending', 'running', 'cancelling', 'succeeded', 'failed', 'dead', 'cancelled')),
    -- google.protobuf.Struct, as are checkpoint and result.
    arguments bytea NOT NULL,
    assignee text NOT NULL,
    due_at timestamptz,
    run_after timestamptz NOT NULL,
    -- Order of leasing: run_after, earlier by a span for each step of priority. Waiting counts as priority by that.
    rank timestamptz NOT NULL,
    unique_key text NOT NULL,
    schedule_id text NOT NULL DEFAULT '',
    max_attempts integer NOT NULL,
    -- The count of attempts with which the task is dead: a retry moves it on.
    attempt_limit integer NOT NULL,
    attempt_count integer NOT NULL DEFAULT 0,
    -- Fencing token of the latest lease.
    fence integer NOT NULL DEFAULT 0,
    worker text NOT NULL DEFAULT '',
    lease_until timestamptz,
    done bigint,
    total bigint,
    message text,
    checkpoint bytea,
    checkpoint_done bigint,
    checkpoint_total bigint,
    checkpoint_message text,
    result bytea,
    result_reference text NOT NULL DEFAULT '',
    error_type text,
    error_message text,
    error_retryable boolean,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    started_at timestamptz,
    finished_at timestamptz CHECK ((finished_at IS NOT NULL) = (state IN ('succeeded', 'failed', 'dead', 'cancelled'))),
    revision bigint NOT NULL DEFAULT 1,
    PRIMARY KEY (tenant_id, task_id),
    -- What a worker has is leased; what a person does is not.
    CHECK (kind = 'manual' OR (lease_until IS NOT NULL) = (state IN ('running', 'cancelling')))
) WITH (fillfactor = 85);

-- Leasing, in all and by tenant.
CREATE INDEX tasks_ready ON tasks (kind, rank) WHERE state = 'pending' AND kind <> 'manual';
CREATE INDEX tasks_ready_of_tenant ON tasks (kind, tenant_id, rank) WHERE state = 'pending' AND kind <> 'manual';
CREATE INDEX tasks_leased ON tasks (lease_until) WHERE lease_until IS NOT NULL;
CREATE INDEX tasks_running ON tasks (kind, tenant_id) WHERE lease_until IS NOT NULL;
CREATE INDEX tasks_cancelling ON tasks (worker) WHERE state = 'cancelling';
-- One live task of a key, one of a schedule.
CREATE UNIQUE INDEX tasks_unique_key ON tasks (tenant_id, kind, unique_key)
    WHERE unique_key <> '' AND finished_at IS NULL;
CREATE UNIQUE INDEX tasks_of_schedule ON tasks (tenant_id, schedule_id) WHERE schedule_id <> '' AND finished_at IS NULL;
-- Lists, newest first.
CREATE INDEX tasks_by_state ON tasks (tenant_id, state, task_id);
CREATE INDEX tasks_by_kind ON tasks (tenant_id, kind, task_id);
CREATE INDEX tasks_by_priority ON tasks (tenant_id, priority, task_id);
CREATE INDEX tasks_by_assignee ON tasks (tenant_id, assignee, task_id) WHERE assignee <> '';
-- Retention.
CREATE INDEX tasks_finished ON tasks (tenant_id, finished_at) WHERE finished_at IS NOT NULL;

CREATE TABLE attempts (
    tenant_id uuid NOT NULL,
    task_id uuid NOT NULL,
    -- Fencing token of its lease.
    number integer NOT NULL,
    worker text NOT NULL,
    outcome text NOT NULL DEFAULT 'running'
        CHECK (outcome IN ('running', 'succeeded', 'failed', 'expired', 'cancelled', 'returned')),
    error_type text,
    error_message text,
    error_retryable boolean,
    done bigint,
    total bigint,
    message text,
    started_at timestamptz NOT NULL,
    finished_at timestamptz,
    PRIMARY KEY (tenant_id, task_id, number)
);

-- Kinds that a service has declared. Holds no tenant's data.
CREATE TABLE kinds (
    kind text PRIMARY KEY,
    max_running bigint NOT NULL,
    max_running_per_tenant bigint NOT NULL,
    internal boolean NOT NULL,
    limited boolean NOT NULL GENERATED ALWAYS AS (max_running > 0 OR max_running_per_tenant > 0) STORED
);

CREATE TABLE schedules (
    tenant_id uuid NOT NULL,
    schedule_id text COLLATE "C" NOT NULL CHECK (schedule_id <> ''),
    title text NOT NULL,
    cron text NOT NULL,
    time_zone text NOT NULL,
    kind text NOT NULL,
    arguments bytea NOT NULL,
    priority smallint NOT NULL CHECK (priority BETWEEN 0 AND 3),
    max_attempts integer NOT NULL,
    paused boolean NOT NULL DEFAULT false,
    -- BLAKE2b of the request that made it, to tell a retry from another schedule of the same identifier.
    fingerprint bytea NOT NULL,
    next_run_at timestamptz,
    last_run_at timestamptz,
    last_task_id uuid,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    revision bigint NOT NULL DEFAULT 1,
    PRIMARY KEY (tenant_id, schedule_id)
);
CREATE INDEX schedules_due ON schedules (next_run_at) WHERE next_run_at IS NOT NULL;

-- Names of requests, and the task that the first of each name was answered with.
CREATE TABLE requests (
    tenant_id uuid NOT NULL,
    request_id uuid NOT NULL,
    fingerprint bytea NOT NULL,
    task_id uuid NOT NULL,
    -- False if the request found a live task of its unique_key.
    fresh boolean NOT NULL DEFAULT true,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, request_id)
);
CREATE INDEX requests_created_at ON requests (created_at);

-- Days for which the finished tasks of a tenant are kept, where that is not the default.
CREATE TABLE task_retention (
    tenant_id uuid PRIMARY KEY,
    days integer NOT NULL CHECK (days BETWEEN 1 AND 3650)
);

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['tasks', 'attempts', 'schedules', 'requests', 'task_retention'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
        EXECUTE format(
            'CREATE POLICY own ON %I TO {service} USING (tenant_id = ANY ((SELECT rampart_tenants())::uuid[]))', name
        );
        -- The engine works for all tenants: it leases, expires, schedules and prunes.
        EXECUTE format('CREATE POLICY engine ON %I TO {engine} USING (true)', name);
    END LOOP;
END $$;
ALTER TABLE kinds ENABLE ROW LEVEL SECURITY;
ALTER TABLE kinds FORCE ROW LEVEL SECURITY;
CREATE POLICY known ON kinds FOR SELECT TO {service} USING (true);
CREATE POLICY engine ON kinds TO {engine} USING (true);

GRANT USAGE ON SCHEMA public TO {service}, {engine};
GRANT SELECT, INSERT, UPDATE ON tasks TO {service};
GRANT SELECT, INSERT, UPDATE, DELETE ON requests TO {service};
GRANT SELECT ON attempts, kinds, task_retention TO {service};
GRANT SELECT, INSERT, UPDATE, DELETE ON schedules TO {service};
GRANT SELECT, INSERT, UPDATE, DELETE ON tasks, attempts, kinds, schedules, requests, task_retention TO {engine};

-- Creates tasks, each item for itself, and says of each which task answers it: a new one, the one that the first request
-- of the name got, or the live one of the same unique key. No task means that the live one has just finished: try again.
-- Items come sorted by tenant and request; the policies above apply, for the tenants named.
CREATE FUNCTION create_tasks(
    tenants text, ageing double precision, tenant_ids uuid[], request_ids uuid[], fingerprints bytea[], titles text[],
    priorities smallint[], kinds text[], all_arguments bytea[], assignees text[], due_ats timestamptz[],
    run_afters timestamptz[], unique_keys text[], attempts integer[]
) RETURNS TABLE (item bigint, task uuid, made timestamptz, ready timestamptz, fresh boolean, content bytea)
    LANGUAGE plpgsql
    AS $$
DECLARE
    moment timestamptz := clock_timestamp();
    ids uuid[] := ARRAY(SELECT new_task_id() FROM generate_subscripts(tenant_ids, 1));
    named boolean := EXISTS (SELECT FROM unnest(request_ids) AS r (id) WHERE r.id IS NOT NULL);
    keyed boolean := EXISTS (SELECT FROM unnest(unique_keys) AS k (name) WHERE k.name <> '');
    kind_of text;
BEGIN
    PERFORM set_config('rampart.tenants', tenants, true);
    IF named THEN
        -- Waits for a transaction that has claimed the same name and has not ended.
        INSERT INTO requests AS r (tenant_id, request_id, fingerprint, task_id, created_at)
        SELECT i.tenant_id, i.request_id, i.fingerprint, i.id, moment
        FROM unnest(tenant_ids, request_ids, fingerprints, ids) AS i (tenant_id, request_id, fingerprint, id)
        WHERE i.request_id IS NOT NULL ORDER BY i.tenant_id, i.request_id
        ON CONFLICT DO NOTHING;
    END IF;
    INSERT INTO tasks (
        tenant_id, task_id, title, priority, kind, state, arguments, assignee, due_at, run_after, rank, unique_key,
        max_attempts, attempt_limit, created_at, updated_at
    )
    SELECT i.tenant_id, i.id, i.title, i.priority, i.kind, 'pending', i.arguments, i.assignee, i.due_at,
        greatest(i.run_after, moment), greatest(i.run_after, moment) - make_interval(secs => ageing * i.priority),
        i.unique_key, i.attempts, i.attempts, moment, moment
    FROM unnest(
        tenant_ids, ids, request_ids, titles, priorities, kinds, all_arguments, assignees, due_ats, run_afters,
        unique_keys, attempts
    ) AS i (
        tenant_id, id, request_id, title, priority, kind, arguments, assignee, due_at, run_after, unique_key, attempts
    )
    WHERE NOT named OR i.request_id IS NULL OR EXISTS (
        SELECT FROM requests AS r
        WHERE r.tenant_id = i.tenant_id AND r.request_id = i.request_id AND r.task_id = i.id
    )
    ORDER BY i.tenant_id, i.kind, i.unique_key
    ON CONFLICT (tenant_id, kind, unique_key) WHERE unique_key <> '' AND finished_at IS NULL DO NOTHING;
    IF keyed AND named THEN
        -- A name whose request found a live task belongs to that one from now on.
        UPDATE requests AS r SET task_id = t.task_id, fresh = false
        FROM unnest(tenant_ids, request_ids, ids, kinds, unique_keys) AS i (tenant_id, request_id, id, kind, unique_key)
        JOIN tasks AS t USING (tenant_id, kind, unique_key)
        WHERE i.unique_key <> '' AND t.finished_at IS NULL AND t.task_id <> i.id
            AND r.tenant_id = i.tenant_id AND r.request_id = i.request_id AND r.task_id = i.id;
        -- Where it has finished meanwhile the name is free again: the item is tried once more.
        DELETE FROM requests AS r
        USING unnest(tenant_ids, request_ids, ids) AS i (tenant_id, request_id, id)
        WHERE r.tenant_id = i.tenant_id AND r.request_id = i.request_id AND r.task_id = i.id AND NOT EXISTS (
            SELECT FROM tasks AS t WHERE t.tenant_id = i.tenant_id AND t.task_id = i.id
        );
    END IF;
    FOR kind_of IN
        SELECT DISTINCT i.kind FROM unnest(kinds, run_afters) AS i (kind, run_after)
        WHERE i.kind <> 'manual' AND (i.run_after IS NULL OR i.run_after <= moment)
    LOOP
        PERFORM pg_notify('rampart_tasks', 'ready ' || kind_of);
    END LOOP;
    IF NOT named AND NOT keyed THEN
        RETURN QUERY
        SELECT i.item, i.id, moment, greatest(i.run_after, moment), true, NULL::bytea
        FROM unnest(ids, run_afters) WITH ORDINALITY AS i (id, run_after, item);
        RETURN;
    END IF;
    RETURN QUERY
    SELECT i.item, coalesce(r.task_id, t.task_id, l.task_id), coalesce(r.created_at, t.created_at, l.created_at),
        greatest(i.run_after, coalesce(r.created_at, moment)),
        CASE WHEN r.task_id IS NOT NULL THEN r.fresh ELSE t.task_id IS NOT NULL END, r.fingerprint
    FROM unnest(tenant_ids, request_ids, ids, kinds, unique_keys, run_afters) WITH ORDINALITY
        AS i (tenant_id, request_id, id, kind, unique_key, run_after, item)
    LEFT JOIN requests AS r ON r.tenant_id = i.tenant_id AND r.request_id = i.request_id
    LEFT JOIN tasks AS t ON t.tenant_id = i.tenant_id AND t.task_id = i.id
    LEFT JOIN tasks AS l ON l.tenant_id = i.tenant_id AND l.kind = i.kind AND l.unique_key = i.unique_key
        AND i.unique_key <> '' AND l.unique_key <> '' AND l.finished_at IS NULL;
END $$;

-- A page of a tenant's tasks, newest first. Only the filters given are part of the statement, so that each combination
-- has a plan of its own.
CREATE FUNCTION page_tasks(
    tenant uuid, only_state text, only_kind text, only_priority smallint, only_assignee text, before uuid, most integer
) RETURNS SETOF tasks
    LANGUAGE plpgsql
    AS $$
BEGIN
    PERFORM set_config('rampart.tenants', tenant::text, true);
    RETURN QUERY EXECUTE
        'SELECT * FROM tasks WHERE tenant_id = $1'
        || CASE WHEN only_state <> '' THEN ' AND state = $2' ELSE '' END
        || CASE WHEN only_kind <> '' THEN ' AND kind = $3' ELSE '' END
        || CASE WHEN only_priority >= 0 THEN ' AND priority = $4' ELSE '' END
        || CASE WHEN only_assignee <> '' THEN ' AND assignee = $5 AND assignee <> ''''' ELSE '' END
        || CASE WHEN before IS NOT NULL THEN ' AND task_id < $6' ELSE '' END
        || ' ORDER BY task_id DESC LIMIT $7'
        USING tenant, only_state, only_kind, only_priority, only_assignee, before, most;
END $$;

-- Leases ready tasks of some kinds to a worker. Kinds take turns by the rank of their first task; within one, the order
-- is that of the ranks. A kind with limits is leased by one transaction at a time, so that counting holds.
CREATE FUNCTION lease_tasks(wanted text[], holder text, most integer, seconds double precision) RETURNS SETOF tasks
    LANGUAGE plpgsql
    AS $$
DECLARE
    next record;
    room integer := most;
    took integer;
BEGIN
    FOR next IN
        SELECT w.kind, first.rank FROM unnest(wanted) AS w (kind)
        CROSS JOIN LATERAL (
            SELECT t.rank FROM tasks AS t
            WHERE t.kind = w.kind AND t.state = 'pending' AND t.kind <> 'manual' AND t.rank <= now()
                AND t.run_after <= now()
            ORDER BY t.rank LIMIT 1
        ) AS first
        ORDER BY first.rank
    LOOP
        EXIT WHEN room <= 0;
        RETURN QUERY SELECT * FROM lease_kind(next.kind, holder, room, seconds);
        GET DIAGNOSTICS took = ROW_COUNT;
        room := room - took;
    END LOOP;
END $$;

CREATE FUNCTION lease_kind(wanted text, holder text, most integer, seconds double precision) RETURNS SETOF tasks
    LANGUAGE plpgsql
    AS $$
DECLARE
    bounds kinds;
    moment timestamptz;
    room bigint := most;
    picked_tenants uuid[];
    picked_tasks uuid[];
BEGIN
    SELECT * INTO bounds FROM kinds AS k WHERE k.kind = wanted AND k.limited FOR UPDATE;
    IF bounds.max_running > 0 THEN
        room := least(room, bounds.max_running - (
            SELECT count(*) FROM tasks AS t WHERE t.kind = wanted AND t.lease_until IS NOT NULL
        ));
    END IF;
    IF room <= 0 THEN
        RETURN;
    END IF;
    -- A statement of its own: the next one sees all that is locked by it.
    SELECT array_agg(p.tenant_id), array_agg(p.task_id) INTO picked_tenants, picked_tasks
    FROM pick_tasks(wanted, room, coalesce(bounds.max_running_per_tenant, 0)) AS p;
    moment := clock_timestamp();
    RETURN QUERY
    WITH leased AS (
        UPDATE tasks AS t SET
            state = 'running', fence = t.fence + 1, attempt_count = t.attempt_count + 1, worker = holder,
            lease_until = moment + make_interval(secs => seconds), started_at = moment, updated_at = moment,
            -- A new attempt begins where the last checkpoint was.
            done = t.checkpoint_done, total = t.checkpoint_total, message = t.checkpoint_message,
            revision = t.revision + 1
        FROM unnest(picked_tenants, picked_tasks) AS p (tenant_id, task_id)
        WHERE t.tenant_id = p.tenant_id AND t.task_id = p.task_id
        RETURNING t.*
    ), opened AS (
        INSERT INTO attempts (tenant_id, task_id, number, worker, started_at)
        SELECT l.tenant_id, l.task_id, l.fence, holder, moment FROM leased AS l
    ), told AS (
        SELECT pg_notify('rampart_tasks', 'changed ' || l.tenant_id || ' ' || l.task_id) FROM leased AS l
    )
    -- The count has the news sent: what nothing reads is not done.
    SELECT l.* FROM leased AS l, (SELECT count(*) FROM told) AS sent ORDER BY l.rank;
END $$;

-- Locks the first ready tasks of a kind, at most so many of one tenant that its running ones stay within the limit.
CREATE FUNCTION pick_tasks(wanted text, most bigint, most_of_tenant bigint) RETURNS SETOF tasks
    LANGUAGE plpgsql
    AS $$
BEGIN
    IF most_of_tenant = 0 THEN
        RETURN QUERY
        SELECT * FROM tasks AS t
        WHERE t.kind = wanted AND t.state = 'pending' AND t.kind <> 'manual' AND t.rank <= now()
            AND t.run_after <= now()
        ORDER BY t.rank LIMIT most FOR UPDATE SKIP LOCKED;
        RETURN;
    END IF;
    RETURN QUERY
    WITH RECURSIVE waiting AS (
        (SELECT t.tenant_id FROM tasks AS t WHERE t.kind = wanted AND t.state = 'pending' AND t.kind <> 'manual'
         ORDER BY t.tenant_id LIMIT 1)
        UNION ALL
        SELECT (
            SELECT t.tenant_id FROM tasks AS t WHERE t.kind = wanted AND t.state = 'pending' AND t.kind <> 'manual'
                AND t.tenant_id > w.tenant_id ORDER BY t.tenant_id LIMIT 1
        ) FROM waiting AS w WHERE w.tenant_id IS NOT NULL
    ), allowed AS (
        SELECT w.tenant_id, most_of_tenant - (
            SELECT count(*) FROM tasks AS r
            WHERE r.kind = wanted AND r.tenant_id = w.tenant_id AND r.lease_until IS NOT NULL
        ) AS room FROM waiting AS w WHERE w.tenant_id IS NOT NULL
    ), first AS (
        SELECT f.tenant_id, f.task_id FROM allowed AS a CROSS JOIN LATERAL (
            SELECT t.tenant_id, t.task_id, t.rank FROM tasks AS t
            WHERE t.kind = wanted AND t.tenant_id = a.tenant_id AND t.state = 'pending' AND t.kind <> 'manual'
                AND t.rank <= now() AND t.run_after <= now()
            ORDER BY t.rank LIMIT greatest(a.room, 0)
        ) AS f ORDER BY f.rank LIMIT most
    )
    SELECT t.* FROM tasks AS t JOIN first AS f USING (tenant_id, task_id)
    WHERE t.state = 'pending' ORDER BY t.rank FOR UPDATE OF t SKIP LOCKED;
END $$;
