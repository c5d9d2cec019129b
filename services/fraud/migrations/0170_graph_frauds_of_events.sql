-- An event that is known to be fraud counts for the entities that are kept with it, until it is forgotten: by its own time, as the
-- edges are. Defaults are for versions of before, which name neither.
ALTER TABLE graph_frauds
    ADD COLUMN event_time timestamptz NOT NULL DEFAULT 'infinity',
    ADD COLUMN entities bigint[] NOT NULL DEFAULT '{}';
CREATE INDEX graph_frauds_by_time ON graph_frauds (event_time, tenant_id);

-- What is kept of a graph, by the version that began it. One of another form than a version keeps is made anew.
ALTER TABLE graph_tenants ADD COLUMN form smallint NOT NULL DEFAULT 1;
