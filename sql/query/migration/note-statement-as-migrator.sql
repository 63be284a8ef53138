-- Records progress as note-statement.sql does, for a migration that changes the role: the other
-- role may lack the privilege.
SELECT session_user AS session, pg_catalog.current_setting('role') AS role \gset migrator_ \\
RESET SESSION AUTHORIZATION; RESET ROLE;
CALL hectic.note_statement(@set@, @version@, @statements@);
SET SESSION AUTHORIZATION :"migrator_session"; SET ROLE :"migrator_role";
