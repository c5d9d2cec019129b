-- What became known of transactions. Rows never change but for what the service finds out of their transactions.

CREATE TABLE labels (
    tenant_id uuid NOT NULL,
    transaction_id text COLLATE "C" NOT NULL,
    -- Among the labels of the transaction, from 1.
    number smallint NOT NULL CHECK (number > 0),
    label_id uuid NOT NULL,
    label text NOT NULL CHECK (label IN ('fraud', 'chargeback', 'legitimate', 'false_positive')),
    source text NOT NULL,
    reason text NOT NULL,
    amount_minor bigint,
    currency text,
    known_time timestamptz NOT NULL,
    -- Null while the transaction is waited for.
    decision_id uuid,
    -- Whether the transaction came, and had happened after the label was known.
    refused boolean NOT NULL DEFAULT false,
    -- Where it stands in the order of arrival of the entity logs; null until they were told.
    arrival bigint,
    created_by text NOT NULL,
    create_time timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, transaction_id, number),
    CHECK ((amount_minor IS NULL) = (currency IS NULL))
);
CREATE UNIQUE INDEX labels_by_id ON labels (tenant_id, label_id);
CREATE INDEX labels_by_arrival ON labels (tenant_id, arrival, label_id) WHERE arrival IS NOT NULL;
CREATE INDEX labels_pending ON labels (tenant_id, transaction_id) WHERE decision_id IS NULL;
CREATE INDEX labels_untold ON labels (tenant_id, label_id) WHERE arrival IS NULL;

-- Files of labels that are being entered, and what came of them.
CREATE TABLE label_imports (
    tenant_id uuid NOT NULL,
    import_id uuid NOT NULL,
    task_id uuid NOT NULL,
    -- The file; empty once all of it is entered.
    data bytea NOT NULL,
    rows integer NOT NULL,
    done integer NOT NULL DEFAULT 0,
    stored integer NOT NULL DEFAULT 0,
    unchanged integer NOT NULL DEFAULT 0,
    refused integer NOT NULL DEFAULT 0,
    created_by text NOT NULL,
    create_time timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, import_id)
);
CREATE INDEX label_imports_by_age ON label_imports (create_time);

CREATE TABLE label_import_errors (
    tenant_id uuid NOT NULL,
    import_id uuid NOT NULL,
    row integer NOT NULL,
    field text NOT NULL,
    message text NOT NULL,
    PRIMARY KEY (tenant_id, import_id, row),
    FOREIGN KEY (tenant_id, import_id) REFERENCES label_imports ON DELETE CASCADE
);

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['labels', 'label_imports', 'label_import_errors'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
        EXECUTE format('CREATE POLICY tenant ON %I TO {service} USING (tenant_id = ANY ((SELECT rampart_tenants())::uuid[]))'
            ' WITH CHECK (tenant_id = ANY ((SELECT rampart_tenants())::uuid[]))', name);
    END LOOP;
END $$;

GRANT SELECT, INSERT ON labels TO {service};
GRANT UPDATE (decision_id, refused, arrival) ON labels TO {service};
GRANT SELECT, INSERT ON label_imports, label_import_errors TO {service};
GRANT UPDATE (data, done, stored, unchanged, refused) ON label_imports TO {service};

-- The relay sees which tenants have labels that somebody has to do something about, and nothing of what they say.
CREATE POLICY relay ON labels FOR SELECT TO {relay} USING (arrival IS NULL);
GRANT SELECT (tenant_id, label_id, decision_id, arrival) ON labels TO {relay};

-- Labels go with their decisions; those whose transactions never came after 90 days; files after 30.
CREATE POLICY cleaner_read ON labels FOR SELECT TO {cleaner} USING (true);
CREATE POLICY cleaner_delete ON labels FOR DELETE TO {cleaner} USING (
    CASE WHEN decision_id IS NULL THEN create_time < now() - interval '90 days'
    ELSE decision_id < first_decision_id(now() - interval '31 days') END);
GRANT SELECT (tenant_id, transaction_id, decision_id, create_time), DELETE ON labels TO {cleaner};
CREATE POLICY cleaner_read ON label_imports FOR SELECT TO {cleaner} USING (true);
CREATE POLICY cleaner_delete ON label_imports FOR DELETE TO {cleaner} USING (create_time < now() - interval '30 days');
GRANT SELECT (tenant_id, import_id, create_time), DELETE ON label_imports TO {cleaner};
