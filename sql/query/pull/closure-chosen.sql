-- A template: the rows of a table that the user selected.
(SELECT t.tableoid, t.ctid FROM @table@ t@where@@limit@)
