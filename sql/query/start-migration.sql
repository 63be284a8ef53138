-- What psql is told before a migration, a template: Running, in a transaction of its own.
CALL hectic.start_migration(@lock@, @set@, @version@, @name@, @direction@, @transactional@, @checksum@,
  @normalized@, @previous@, @actor@, @tool@, @up@, @down@, @files@);
