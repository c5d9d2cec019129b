@{head}
-- Makes the roles and databases of an external PostgreSQL (15 or newer), once, as a superuser:
--     psql -v ON_ERROR_STOP=1 -f deploy/postgres/databases.sql
-- The passwords come from the environment, so that they show in no list of processes. One that is missing stops the
-- script before it changes anything.
\set ON_ERROR_STOP on
@{passwords}

-- <service>_owner runs the migrations; <service>_service is what the process connects as, and row-level security holds
-- for it. <service>_eraser exports and erases what one tenant has.
@{extra}
BEGIN;
@{roles}
COMMIT;

@{databases}

REVOKE ALL ON DATABASE @names FROM PUBLIC;
@{grants}
