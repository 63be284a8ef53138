SELECT pg_catalog.setval(@sequence@, @value@, false) FROM @name@ WHERE last_value @beyond@ @bound@;
