#!/bin/sh
# One database and one owner a service; no service can open another's.
set -eu
for service in ingest catalog policy_match notify; do
  psql -v ON_ERROR_STOP=1 -v password="$POSTGRES_PASSWORD" --username postgres <<SQL
CREATE ROLE zhaoqi_$service LOGIN PASSWORD :'password' NOSUPERUSER NOCREATEDB NOCREATEROLE;
CREATE DATABASE zhaoqi_$service OWNER zhaoqi_$service;
REVOKE CONNECT ON DATABASE zhaoqi_$service FROM PUBLIC;
SQL
done
