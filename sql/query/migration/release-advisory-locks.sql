-- A template: releases the session's advisory locks except for the migrator's own.
DO $release$
DECLARE
  held record;
BEGIN
  LOOP
    SELECT l.classid::bigint AS high, l.objid::bigint AS low, l.objsubid, l.mode INTO held
    FROM pg_catalog.pg_locks l
    WHERE l.locktype = 'advisory' AND l.pid = pg_catalog.pg_backend_pid() AND l.granted
      AND NOT (l.objsubid = 1 AND (l.classid::bigint << 32 | l.objid::bigint) = @lock@)
    LIMIT 1;
    EXIT WHEN NOT FOUND;
    IF held.objsubid = 1 AND held.mode = 'ExclusiveLock' THEN
      PERFORM pg_catalog.pg_advisory_unlock(held.high << 32 | held.low);
    ELSIF held.objsubid = 1 THEN
      PERFORM pg_catalog.pg_advisory_unlock_shared(held.high << 32 | held.low);
    ELSIF held.mode = 'ExclusiveLock' THEN
      PERFORM pg_catalog.pg_advisory_unlock(held.high::bit(32)::int, held.low::bit(32)::int);
    ELSE
      PERFORM pg_catalog.pg_advisory_unlock_shared(held.high::bit(32)::int, held.low::bit(32)::int);
    END IF;
  END LOOP;
END
$release$;
