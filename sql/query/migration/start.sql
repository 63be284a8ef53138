-- The state becomes Running: a part of the templates that run a migration.
CALL hectic.start_migration(@lock@, @set@, @version@, @name@, @direction@, @transactional@, @checksum@,
  @normalized@, @previous@, @actor@, @tool@, @up@, @down@, @files@)
