-- A template: the rows to which a table refers that is pulled completely.
(SELECT f.tableoid, f.ctid FROM @referring@ r JOIN @referred@ f ON @matches@)
