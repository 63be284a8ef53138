-- Does the same as DISCARD ALL, but keeps advisory locks, because one of them is the migrator's.
-- Cached plans stay, too; a migration cannot notice them.
CLOSE ALL\; RESET ALL\; DEALLOCATE ALL\; UNLISTEN *\; DISCARD TEMP\; DISCARD SEQUENCES;
