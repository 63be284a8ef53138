-- For PostgreSQL 17 and later, if the version of the server was not known when the session was
-- opened.
SET transaction_timeout = 0;
