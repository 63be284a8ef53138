-- A template: the rows that a table refers to of which every row is pulled.
(SELECT f.tableoid, f.ctid FROM @referring@ r JOIN @referred@ f ON @matches@)
