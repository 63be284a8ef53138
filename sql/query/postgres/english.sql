-- For a superuser, if db-tool did not know at the start that the role is one.
SET lc_messages = 'C';
