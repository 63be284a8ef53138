-- A megabyte of nothing, to see how long it takes on its way.
COPY (SELECT pg_catalog.repeat('x', 1000) FROM pg_catalog.generate_series(1, 1000)) TO STDOUT
