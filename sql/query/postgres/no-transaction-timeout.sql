-- For a server whose version was not known when the session was opened: PostgreSQL 17 and later.
SET transaction_timeout = 0;
