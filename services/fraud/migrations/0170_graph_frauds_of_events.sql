-- An event that is known to be fraud counts for the entities that are kept with it, until it is forgotten: by its own time, as the
-- edges are. A version of before names neither, and may not write into a graph of this form: there is no default.
ALTER TABLE graph_frauds
    ADD COLUMN event_time timestamptz NOT NULL DEFAULT 'infinity',
    ADD COLUMN entities bigint[] NOT NULL DEFAULT '{}';
ALTER TABLE graph_frauds ALTER COLUMN event_time DROP DEFAULT, ALTER COLUMN entities DROP DEFAULT;

-- What is kept of a graph, by the version that began it. One of another form than a version keeps is made anew.
ALTER TABLE graph_tenants ADD COLUMN form smallint NOT NULL DEFAULT 1;
