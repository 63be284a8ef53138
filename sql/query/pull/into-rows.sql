-- A template: the rows of a table that were pulled, as they are here.
COPY (SELECT @cells@ FROM @table@ t@pulled@) TO STDOUT
