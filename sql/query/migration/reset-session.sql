-- Does all that DISCARD ALL does, except for releasing advisory locks, because one of them is the
-- migrator's. Cached plans stay; a migration cannot notice them.
CLOSE ALL\; RESET ALL\; DEALLOCATE ALL\; UNLISTEN *\; DISCARD TEMP\; DISCARD SEQUENCES;
