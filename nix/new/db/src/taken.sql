-- The whole schema, as pg_dump found it. `database deploy` and `database check` run this file
-- through psql. The search path is empty here: qualify all names.
\set QUIET on
@settings@
@includes@
