-- A template: the rows of a table that are wanted.
(SELECT t.tableoid, t.ctid FROM @table@ t@where@@limit@)
