-- A template: the rows of a table, on request in the order of its key.
COPY (SELECT @cells@ FROM @table@ t@where@@order@@limit@) TO STDOUT
