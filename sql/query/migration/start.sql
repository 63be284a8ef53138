-- A part of the templates that run a migration: sets the state Running.
CALL hectic.start_migration(@lock@, @set@, @version@, @name@, @direction@, @transactional@, @checksum@,
  @normalized@, @previous@, @actor@, @tool@, @up@, @down@, @files@)
