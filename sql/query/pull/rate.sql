-- Sends a megabyte, to measure the transfer rate.
COPY (SELECT pg_catalog.repeat('x', 1000) FROM pg_catalog.generate_series(1, 1000)) TO STDOUT
