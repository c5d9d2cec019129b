-- Generated from services/table.toml by tools/services.py; change the table or the template, then `make generate`.
-- Makes the roles and databases of an external PostgreSQL (15 or newer), once, as a superuser:
--     psql -v ON_ERROR_STOP=1 -f deploy/postgres/databases.sql
-- The passwords come from the environment, so that they show in no list of processes. One that is missing stops the
-- script before it changes anything.
\set ON_ERROR_STOP on
\getenv auth_owner RAMPART_AUTH_OWNER_PASSWORD
\getenv auth_service RAMPART_AUTH_SERVICE_PASSWORD
\getenv auth_eraser RAMPART_AUTH_ERASER_PASSWORD
\getenv auth_notary RAMPART_AUTH_NOTARY_PASSWORD
\getenv user_owner RAMPART_USER_OWNER_PASSWORD
\getenv user_service RAMPART_USER_SERVICE_PASSWORD
\getenv user_eraser RAMPART_USER_ERASER_PASSWORD
\getenv task_owner RAMPART_TASK_OWNER_PASSWORD
\getenv task_service RAMPART_TASK_SERVICE_PASSWORD
\getenv task_eraser RAMPART_TASK_ERASER_PASSWORD
\getenv task_engine RAMPART_TASK_ENGINE_PASSWORD
\getenv fraud_owner RAMPART_FRAUD_OWNER_PASSWORD
\getenv fraud_service RAMPART_FRAUD_SERVICE_PASSWORD
\getenv fraud_eraser RAMPART_FRAUD_ERASER_PASSWORD
\getenv fraud_relay RAMPART_FRAUD_RELAY_PASSWORD
\getenv fraud_cleaner RAMPART_FRAUD_CLEANER_PASSWORD
\getenv data_owner RAMPART_DATA_OWNER_PASSWORD
\getenv data_service RAMPART_DATA_SERVICE_PASSWORD
\getenv data_eraser RAMPART_DATA_ERASER_PASSWORD
\getenv cases_owner RAMPART_CASES_OWNER_PASSWORD
\getenv cases_service RAMPART_CASES_SERVICE_PASSWORD
\getenv cases_eraser RAMPART_CASES_ERASER_PASSWORD

-- <service>_owner runs the migrations; <service>_service is what the process connects as, and row-level security holds
-- for it. <service>_eraser exports and erases what one tenant has.
-- rampart_auth_notary anchors and prunes the audit logs of all tenants and reads no event.
-- rampart_task_engine leases, expires, schedules and prunes the tasks of all tenants.
-- rampart_fraud_relay reads the outbox of all tenants and nothing else.
-- rampart_fraud_cleaner deletes old decisions of all tenants and nothing else.
BEGIN;
CREATE ROLE rampart_auth_owner LOGIN PASSWORD :'auth_owner';
CREATE ROLE rampart_auth_service LOGIN NOBYPASSRLS PASSWORD :'auth_service';
CREATE ROLE rampart_auth_eraser LOGIN NOBYPASSRLS PASSWORD :'auth_eraser';
CREATE ROLE rampart_auth_notary LOGIN NOBYPASSRLS PASSWORD :'auth_notary';
CREATE ROLE rampart_user_owner LOGIN PASSWORD :'user_owner';
CREATE ROLE rampart_user_service LOGIN NOBYPASSRLS PASSWORD :'user_service';
CREATE ROLE rampart_user_eraser LOGIN NOBYPASSRLS PASSWORD :'user_eraser';
CREATE ROLE rampart_task_owner LOGIN PASSWORD :'task_owner';
CREATE ROLE rampart_task_service LOGIN NOBYPASSRLS PASSWORD :'task_service';
CREATE ROLE rampart_task_eraser LOGIN NOBYPASSRLS PASSWORD :'task_eraser';
CREATE ROLE rampart_task_engine LOGIN NOBYPASSRLS PASSWORD :'task_engine';
CREATE ROLE rampart_fraud_owner LOGIN PASSWORD :'fraud_owner';
CREATE ROLE rampart_fraud_service LOGIN NOBYPASSRLS PASSWORD :'fraud_service';
CREATE ROLE rampart_fraud_eraser LOGIN NOBYPASSRLS PASSWORD :'fraud_eraser';
CREATE ROLE rampart_fraud_relay LOGIN NOBYPASSRLS PASSWORD :'fraud_relay';
CREATE ROLE rampart_fraud_cleaner LOGIN NOBYPASSRLS PASSWORD :'fraud_cleaner';
CREATE ROLE rampart_data_owner LOGIN PASSWORD :'data_owner';
CREATE ROLE rampart_data_service LOGIN NOBYPASSRLS PASSWORD :'data_service';
CREATE ROLE rampart_data_eraser LOGIN NOBYPASSRLS PASSWORD :'data_eraser';
CREATE ROLE rampart_cases_owner LOGIN PASSWORD :'cases_owner';
CREATE ROLE rampart_cases_service LOGIN NOBYPASSRLS PASSWORD :'cases_service';
CREATE ROLE rampart_cases_eraser LOGIN NOBYPASSRLS PASSWORD :'cases_eraser';
COMMIT;

CREATE DATABASE rampart_auth OWNER rampart_auth_owner;
CREATE DATABASE rampart_user OWNER rampart_user_owner;
CREATE DATABASE rampart_task OWNER rampart_task_owner;
CREATE DATABASE rampart_fraud OWNER rampart_fraud_owner;
CREATE DATABASE rampart_data OWNER rampart_data_owner;
CREATE DATABASE rampart_cases OWNER rampart_cases_owner;

REVOKE ALL ON DATABASE rampart_auth, rampart_user, rampart_task, rampart_fraud, rampart_data, rampart_cases FROM PUBLIC;
GRANT CONNECT ON DATABASE rampart_auth TO rampart_auth_service, rampart_auth_eraser, rampart_auth_notary;
GRANT CONNECT ON DATABASE rampart_user TO rampart_user_service, rampart_user_eraser;
GRANT CONNECT ON DATABASE rampart_task TO rampart_task_service, rampart_task_eraser, rampart_task_engine;
GRANT CONNECT ON DATABASE rampart_fraud TO rampart_fraud_service, rampart_fraud_eraser, rampart_fraud_relay, rampart_fraud_cleaner;
GRANT CONNECT ON DATABASE rampart_data TO rampart_data_service, rampart_data_eraser;
GRANT CONNECT ON DATABASE rampart_cases TO rampart_cases_service, rampart_cases_eraser;
