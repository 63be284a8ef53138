-- What DISCARD ALL does, piece by piece, but for the advisory locks: one of them is the migrator's.
-- Cached plans stay; they are no state that a migration could see.
CLOSE ALL\; RESET ALL\; DEALLOCATE ALL\; UNLISTEN *\; DISCARD TEMP\; DISCARD SEQUENCES;
