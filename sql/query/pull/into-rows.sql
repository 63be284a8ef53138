-- A template: the pulled rows of a table, as they are here after loading.
COPY (SELECT @cells@ FROM @table@ t@pulled@) TO STDOUT
