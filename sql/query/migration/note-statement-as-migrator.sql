-- The same where the migration changes the role: another may not be allowed to.
SELECT session_user AS session, pg_catalog.current_setting('role') AS role \gset migrator_ \\
RESET SESSION AUTHORIZATION; RESET ROLE;
CALL hectic.note_statement(@set@, @version@, @statements@);
SET SESSION AUTHORIZATION :"migrator_session"; SET ROLE :"migrator_role";
