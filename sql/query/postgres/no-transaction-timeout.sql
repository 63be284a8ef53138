-- For PostgreSQL 17 and later, if db-tool did not know the version of the server when it opened
-- the session.
SET transaction_timeout = 0;
