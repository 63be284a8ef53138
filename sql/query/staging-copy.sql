-- A template: the rows of a table, in the order of its key.
COPY (SELECT @cells@ FROM @table@ t@where@ ORDER BY @order@@limit@) TO STDOUT
