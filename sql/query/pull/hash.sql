-- A template: a value that cannot be read but compared, the same for the same text.
pg_catalog.encode(pg_catalog.sha256(pg_catalog.convert_to(t.@column@::pg_catalog.text, 'UTF8')), 'hex')
