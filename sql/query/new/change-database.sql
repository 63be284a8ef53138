-- Properties of the database itself, whatever its name is.
SELECT format(statement.text, current_database())
FROM (VALUES @statements@) AS statement (text)
\gexec
