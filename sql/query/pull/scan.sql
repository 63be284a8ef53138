-- A template: counts the values of columns that look like each kind. It returns counts, never
-- values. A few rows and the beginnings of values are enough; text in bytea counts as text.
SELECT c.place, pg_catalog.count(v.value) AS filled,
       pg_catalog.count(*) FILTER (WHERE v.value ~ '[[:alnum:]._%+-]+@[[:alnum:]][[:alnum:].-]*\.[[:alpha:]]{2,}') AS email,
       pg_catalog.count(*) FILTER (WHERE v.value ~ '(^|[^[:alnum:]])(\+|00)[1-9]([ ()./-]*[0-9]){6,14}(\M|$)'
         OR v.value ~ '^\s*\(?0[0-9]([ ()./-]*[0-9]){5,12}\s*$'
         OR v.value ~ '^\s*\(?[2-9][0-9]{2}\)?[ .-][0-9]{3}[ .-][0-9]{4}\s*$') AS phone,
       pg_catalog.count(*) FILTER (WHERE v.value ~ '\m[A-Z]{2}[0-9]{2}( ?[A-Z0-9]){11,30}\M') AS iban,
       pg_catalog.count(*) FILTER (WHERE v.value ~ '\m[3-6]([ -]?[0-9]){12,18}\M') AS card,
       pg_catalog.count(*) FILTER (WHERE v.value ~ '^(\$[0-9a-z]{1,8}\$|eyJ[A-Za-z0-9_-]{8,}\.|[sp]k_|gh[pousr]_|xox[abp]-|AKIA|-----BEGIN )'
         OR v.value ~ '^[0-9a-f]{32,}$'
         OR v.value ~ '^[A-Za-z0-9+/_=-]{20,}$' AND v.value ~ '[a-z]' AND v.value ~ '[A-Z]' AND v.value ~ '[0-9]') AS token,
       pg_catalog.count(*) FILTER (WHERE v.value
         ~ '^[[:upper:]][[:lower:]''-]+( [[:upper:]]\.?)?( (van|von|de|der|den|la|le|di|da))*( [[:upper:]][[:alpha:]''-]+){1,2}$') AS person,
       pg_catalog.count(*) FILTER (WHERE v.value ~ '[0-9]' AND v.value
         ~* '(street|\mroad\M|avenue|\mlane\M|\mdrive\M|boulevard|\msquare\M|straße|strasse|\mplatz|\mallee\M|\mrue\M|\mul\.|\mst\.|\mrd\.|str\.|\mave\M)') AS address,
       pg_catalog.count(*) FILTER (WHERE v.value ~ '^([0-9]{1,3}\.){3}[0-9]{1,3}(/[0-9]+)?$'
         OR v.value ~* '^([0-9a-f]{0,4}:){3,7}[0-9a-f]{0,4}(/[0-9]+)?$') AS network,
       pg_catalog.count(*) FILTER (WHERE v.value ~ '^\s*(\{\s*("|\})|\[\s*["{\[\]])') AS json,
       pg_catalog.count(*) FILTER (WHERE v.value ~ '(\S+\s+){5}\S') AS text
FROM (SELECT * FROM @table@@sample@ LIMIT 1000) AS t
CROSS JOIN LATERAL (VALUES @values@) AS c(place, raw)
CROSS JOIN LATERAL (SELECT NULLIF(CASE WHEN c.raw ~ '^\\x([0-9a-f]{2})*$'
  THEN pg_catalog.encode(pg_catalog.decode(pg_catalog.substr(c.raw, 3), 'hex'), 'escape') ELSE c.raw END, '')) AS v(value)
GROUP BY c.place
