-- Begins the transaction that applies the bundle. It is READ COMMITTED: the transaction may wait
-- for the lock of another application, and must then see the objects that the other one made. The
-- notices of IF NOT EXISTS are of no use and are switched off.
BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE;
SET LOCAL search_path = pg_catalog, pg_temp;
SET LOCAL client_min_messages = warning;
