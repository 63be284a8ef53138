-- A template: the rows to which a completely pulled table refers.
(SELECT f.tableoid, f.ctid FROM @referring@ r JOIN @referred@ f ON @matches@)
