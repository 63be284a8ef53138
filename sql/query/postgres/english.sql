-- For a superuser, if this was not known when the session was opened.
SET lc_messages = 'C';
