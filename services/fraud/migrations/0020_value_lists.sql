-- Lists of values that rules ask. What is on them is changed under one lock a tenant, so that changes commit in the order
-- of their numbers: who has seen one has seen all before it.

-- One row a tenant that has, or had, lists: the lock, and a number that grows with each change of any of them.
CREATE TABLE value_list_heads (
    tenant_id uuid PRIMARY KEY,
    revision bigint NOT NULL
);

CREATE TABLE value_lists (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant_id uuid NOT NULL,
    name text COLLATE "C" NOT NULL,
    kind text NOT NULL CHECK (kind IN ('allow', 'block', 'custom')),
    field text NOT NULL CHECK (field <> '' OR kind = 'custom'),
    type text NOT NULL CHECK (type IN ('string', 'ip', 'email')),
    description text NOT NULL,
    -- Key of the hashes of its values.
    seed bytea NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    tag uuid NOT NULL,
    entries integer NOT NULL DEFAULT 0 CHECK (entries BETWEEN 0 AND 1000000),
    -- The number of the last change of an entry, and up to where traces of removed ones are cleared away.
    changes bigint NOT NULL DEFAULT 0,
    cleared bigint NOT NULL DEFAULT 0,
    deleted_at timestamptz
);
CREATE UNIQUE INDEX value_lists_by_name ON value_lists (tenant_id, name) WHERE deleted_at IS NULL;
CREATE INDEX value_lists_deleted ON value_lists (deleted_at) WHERE deleted_at IS NOT NULL;

-- Removed entries leave a trace for an hour, by which readers learn that they went. No foreign key: it would cost more than
-- all else that a million rows need, and only a transaction that has found the list under its tenant writes here.
CREATE TABLE value_list_entries (
    tenant_id uuid NOT NULL,
    number bigint NOT NULL,
    value text COLLATE "C" NOT NULL CHECK (value <> ''),
    -- By these it is looked up in memory: see services/fraud/domain/value_lists/keys.py.
    key_group smallint NOT NULL,
    key bigint NOT NULL,
    change bigint NOT NULL,
    -- Second since 1970; 4294967295 is never.
    ends bigint NOT NULL CHECK (ends BETWEEN 1 AND 4294967295),
    note text NOT NULL,
    changed_by text NOT NULL,
    changed_at timestamptz NOT NULL,
    removed boolean NOT NULL DEFAULT false,
    PRIMARY KEY (number, value)
);
-- Has all that memory needs and row-level security asks for, so that a list is read in its order and not row by row.
CREATE INDEX value_list_entries_keys ON value_list_entries (number, key_group, key) INCLUDE (ends, tenant_id)
    WHERE NOT removed;
CREATE INDEX value_list_entries_changes ON value_list_entries (number, change);
CREATE INDEX value_list_entries_ending ON value_list_entries (ends) WHERE NOT removed AND ends < 4294967295;
CREATE INDEX value_list_entries_removed ON value_list_entries (changed_at) WHERE removed;

-- Parts of imports, until all of an import is there and entered.
CREATE TABLE value_list_imports (
    tenant_id uuid NOT NULL,
    import_id uuid NOT NULL,
    number bigint NOT NULL,
    first_row integer NOT NULL,
    rows integer NOT NULL,
    -- Rows whose values were not on the list.
    new integer NOT NULL,
    -- Empty once it is entered.
    data bytea NOT NULL,
    entered boolean NOT NULL DEFAULT false,
    created_by text NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, number, import_id, first_row)
);
CREATE INDEX value_list_imports_by_age ON value_list_imports (created_at);

ALTER TABLE value_list_heads ENABLE ROW LEVEL SECURITY;
ALTER TABLE value_list_heads FORCE ROW LEVEL SECURITY;
ALTER TABLE value_lists ENABLE ROW LEVEL SECURITY;
ALTER TABLE value_lists FORCE ROW LEVEL SECURITY;
ALTER TABLE value_list_entries ENABLE ROW LEVEL SECURITY;
ALTER TABLE value_list_entries FORCE ROW LEVEL SECURITY;
ALTER TABLE value_list_imports ENABLE ROW LEVEL SECURITY;
ALTER TABLE value_list_imports FORCE ROW LEVEL SECURITY;

CREATE POLICY tenant ON value_list_heads TO {service}
    USING (tenant_id = ANY ((SELECT rampart_tenants())::uuid[]))
    WITH CHECK (tenant_id = ANY ((SELECT rampart_tenants())::uuid[]));
CREATE POLICY tenant ON value_lists TO {service}
    USING (tenant_id = ANY ((SELECT rampart_tenants())::uuid[]))
    WITH CHECK (tenant_id = ANY ((SELECT rampart_tenants())::uuid[]));
CREATE POLICY tenant ON value_list_entries TO {service}
    USING (tenant_id = ANY ((SELECT rampart_tenants())::uuid[]))
    WITH CHECK (tenant_id = ANY ((SELECT rampart_tenants())::uuid[]));
CREATE POLICY tenant ON value_list_imports TO {service}
    USING (tenant_id = ANY ((SELECT rampart_tenants())::uuid[]))
    WITH CHECK (tenant_id = ANY ((SELECT rampart_tenants())::uuid[]));

GRANT SELECT, INSERT, UPDATE ON value_list_heads TO {service};
GRANT SELECT, INSERT, UPDATE ON value_lists TO {service};
GRANT SELECT, INSERT, UPDATE ON value_list_entries TO {service};
GRANT SELECT, INSERT, UPDATE ON value_list_imports TO {service};

-- The cleaner sees of all tenants what has ended, and no value. Nothing else goes, whatever it asks for.
CREATE POLICY cleaner_lock ON value_list_heads FOR SELECT TO {cleaner} USING (true);
CREATE POLICY cleaner_locks ON value_list_heads FOR UPDATE TO {cleaner} USING (true) WITH CHECK (false);
CREATE POLICY cleaner_read ON value_lists FOR SELECT TO {cleaner} USING (true);
CREATE POLICY cleaner_count ON value_lists FOR UPDATE TO {cleaner} USING (true);
CREATE POLICY cleaner_delete ON value_lists FOR DELETE TO {cleaner} USING (deleted_at < now() - interval '24 hours');
CREATE POLICY cleaner_read ON value_list_entries FOR SELECT TO {cleaner} USING (true);
CREATE POLICY cleaner_delete ON value_list_entries FOR DELETE TO {cleaner} USING (
    CASE WHEN removed THEN changed_at < now() - interval '1 hour' ELSE ends < extract(epoch FROM now()) - 60 END
    OR EXISTS (SELECT FROM value_lists AS l WHERE l.number = value_list_entries.number AND l.deleted_at IS NOT NULL));
CREATE POLICY cleaner_read ON value_list_imports FOR SELECT TO {cleaner} USING (true);
CREATE POLICY cleaner_delete ON value_list_imports FOR DELETE TO {cleaner}
    USING (created_at < now() - interval '24 hours');
GRANT SELECT, UPDATE (revision) ON value_list_heads TO {cleaner};
GRANT SELECT (tenant_id, number, deleted_at, entries, cleared), UPDATE (entries, cleared), DELETE ON value_lists TO {cleaner};
GRANT SELECT (tenant_id, number, change, ends, removed, changed_at), DELETE ON value_list_entries TO {cleaner};
GRANT SELECT (tenant_id, number, import_id, first_row, created_at), DELETE ON value_list_imports TO {cleaner};
