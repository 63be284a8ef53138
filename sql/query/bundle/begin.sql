-- Opens the transaction that applies the bundle. READ COMMITTED, because a snapshot taken before
-- waiting for another application's lock would not see what that one made. The notices of IF NOT
-- EXISTS say nothing to anybody.
BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE;
SET LOCAL search_path = pg_catalog, pg_temp;
SET LOCAL client_min_messages = warning;
