-- A template: creates a copy of a template database.
CREATE DATABASE @name@ TEMPLATE @template@ OWNER @owner@ STRATEGY WAL_LOG
