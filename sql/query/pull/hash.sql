-- A template: a digest of a value. It hides the value, but equal texts have equal digests.
pg_catalog.encode(pg_catalog.sha256(pg_catalog.convert_to(t.@column@::pg_catalog.text, 'UTF8')), 'hex')
