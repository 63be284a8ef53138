-- A template: the rows of a table, in the order of its key where that is asked for.
COPY (SELECT @cells@ FROM @table@ t@where@@order@@limit@) TO STDOUT
