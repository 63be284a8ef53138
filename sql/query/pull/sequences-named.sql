-- The sequences that only text names, so that pg_depend does not know them: in the body of a
-- function that is a string, or in a default such as nextval('s'::text). The functions are those
-- that a default of the tables $1 calls, those of the triggers that fire on INSERT ("column" is
-- NULL then), and all functions that these call.
-- "sequence" is NULL where the argument of a nextval() is not the name of a sequence.
WITH RECURSIVE family(oid, relation) AS (
  SELECT r.oid, r.oid FROM pg_catalog.unnest($1::pg_catalog.oid[]) AS r(oid)
  UNION SELECT r.oid, p.relid FROM pg_catalog.unnest($1::pg_catalog.oid[]) AS r(oid), pg_catalog.pg_partition_tree(r.oid) AS p
  UNION SELECT r.oid, p.relid FROM pg_catalog.unnest($1::pg_catalog.oid[]) AS r(oid), pg_catalog.pg_partition_ancestors(r.oid) AS p(relid)
),
root(relation, attnum, classid, objid) AS (
  SELECT f.adrelid, f.adnum, 'pg_catalog.pg_attrdef'::pg_catalog.regclass::pg_catalog.oid, f.oid
  FROM pg_catalog.pg_attrdef f JOIN pg_catalog.pg_attribute a ON a.attrelid = f.adrelid AND a.attnum = f.adnum
  WHERE f.adrelid IN (SELECT relation FROM family) AND a.attgenerated = ''
  UNION
  SELECT a.attrelid, a.attnum, 'pg_catalog.pg_type'::pg_catalog.regclass, a.atttypid
  FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
  WHERE a.attrelid IN (SELECT relation FROM family) AND a.attnum > 0 AND NOT a.attisdropped AND NOT a.atthasdef AND t.typtype = 'd'
  UNION
  SELECT g.tgrelid, NULL, 'pg_catalog.pg_proc'::pg_catalog.regclass, g.tgfoid
  FROM pg_catalog.pg_trigger g
  WHERE g.tgrelid IN (SELECT relation FROM family) AND NOT g.tgisinternal AND g.tgenabled <> 'D' AND g.tgtype & 4 <> 0
),
body(oid, schema, text, path) AS (
  SELECT p.oid, p.pronamespace, p.prosrc,
         (SELECT pg_catalog.substr(c, 13) FROM pg_catalog.unnest(p.proconfig) AS c WHERE c LIKE 'search\_path=%')
  FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_language l ON l.oid = p.prolang
  WHERE l.lanname NOT IN ('internal', 'c') AND p.prosqlbody IS NULL
),
reached(rootclass, rootid, classid, objid) AS (
  SELECT DISTINCT r.classid, r.objid, r.classid, r.objid FROM root r
  UNION
  SELECT r.rootclass, r.rootid, used.classid, used.objid
  FROM reached r CROSS JOIN LATERAL (
    SELECT d.refclassid, d.refobjid FROM pg_catalog.pg_depend d
    WHERE d.classid = r.classid AND d.objid = r.objid
      AND d.refclassid IN ('pg_catalog.pg_proc'::pg_catalog.regclass, 'pg_catalog.pg_operator'::pg_catalog.regclass)
    UNION ALL
    -- a word before a parenthesis may be a function: one of that name in any schema counts
    SELECT 'pg_catalog.pg_proc'::pg_catalog.regclass::pg_catalog.oid, p.oid
    FROM body b
    CROSS JOIN LATERAL pg_catalog.regexp_matches(b.text, '("(?:[^"]|"")+"|[[:alpha:]_][[:alnum:]_$]*)\s*\(', 'g') AS m(word)
    JOIN pg_catalog.pg_proc p ON p.proname = (CASE WHEN m.word[1] LIKE '"%' THEN pg_catalog.replace(pg_catalog.btrim(m.word[1], '"'), '""', '"') ELSE pg_catalog.lower(m.word[1]) END)::pg_catalog.name
    WHERE r.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass AND b.oid = r.objid
      AND p.pronamespace NOT IN ('pg_catalog'::pg_catalog.regnamespace, COALESCE(pg_catalog.to_regnamespace('information_schema'), 0::pg_catalog.oid))
  ) AS used(classid, objid)
),
source(rootclass, rootid, function, text, path) AS (
  SELECT r.rootclass, r.rootid, b.oid, b.text, b.path FROM reached r JOIN body b ON b.oid = r.objid
  WHERE r.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass
  UNION ALL
  SELECT r.classid, r.objid, NULL, pg_catalog.pg_get_expr(f.adbin, f.adrelid), NULL FROM root r JOIN pg_catalog.pg_attrdef f ON f.oid = r.objid
  WHERE r.classid = 'pg_catalog.pg_attrdef'::pg_catalog.regclass
  UNION ALL
  SELECT DISTINCT r.classid, r.objid, NULL::pg_catalog.oid, pg_catalog.pg_get_expr(t.typdefaultbin, 0), NULL FROM root r JOIN pg_catalog.pg_type t ON t.oid = r.objid
  WHERE r.classid = 'pg_catalog.pg_type'::pg_catalog.regclass
),
taking AS (SELECT DISTINCT s.rootclass, s.rootid FROM source s WHERE s.text ~* '\mnextval\M'),
-- every piece of text between quotes that may be a name, and the sequence of that name
piece AS (
  SELECT s.rootclass, s.rootid, s.function, s.path, p.piece,
         CASE WHEN p.piece ~ '^\s*(?:(?:"(?:[^"]|"")+"|[[:alpha:]_][[:alnum:]_$]*)\.)?(?:"(?:[^"]|"")+"|[[:alpha:]_][[:alnum:]_$]*)\s*$'
              THEN pg_catalog.parse_ident(pg_catalog.btrim(p.piece))::pg_catalog.name[] END AS name
  FROM taking t JOIN source s ON s.rootclass = t.rootclass AND s.rootid = t.rootid
  CROSS JOIN LATERAL pg_catalog.regexp_split_to_table(s.text, '''+|\$\w*\$') AS p(piece)
),
named AS (
  SELECT DISTINCT p.rootclass, p.rootid, p.function, p.piece, found.oid AS sequence
  FROM piece p CROSS JOIN LATERAL (
    -- a name without a schema means the first on the search path, or the only one of the name
    SELECT one.oid FROM (
      SELECT c.oid, pg_catalog.count(*) OVER () AS all_of_name,
             pg_catalog.array_position(
               COALESCE(pg_catalog.regexp_split_to_array(pg_catalog.replace(p.path, '"', ''), '\s*,\s*'),
                        pg_catalog.current_setting('pull.schemas')::pg_catalog.text[]), n.nspname::pg_catalog.text) AS place
      FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
      WHERE c.relkind = 'S' AND c.relname = p.name[pg_catalog.cardinality(p.name)]
        AND (pg_catalog.cardinality(p.name) = 1 OR n.nspname = p.name[1])) AS one
    WHERE one.place IS NOT NULL OR one.all_of_name = 1
    ORDER BY one.place
    LIMIT 1) AS found
),
found(rootclass, rootid, function, sequence) AS (
  SELECT n.rootclass, n.rootid, n.function, n.sequence FROM named n
  UNION
  SELECT s.rootclass, s.rootid, s.function, NULL
  FROM taking t JOIN source s ON s.rootclass = t.rootclass AND s.rootid = t.rootid
  CROSS JOIN LATERAL pg_catalog.regexp_matches(s.text, '\mnextval\M[\s(]*(?:''+([^'']*)''+)?', 'gi') AS m(argument)
  WHERE NOT EXISTS (
    SELECT FROM named n WHERE n.rootclass = s.rootclass AND n.rootid = s.rootid AND n.piece = m.argument[1])
)
SELECT DISTINCT f.oid, a.attname::pg_catalog.text AS column, o.function::pg_catalog.regproc::pg_catalog.text AS function,
       CASE WHEN s.oid IS NOT NULL THEN pg_catalog.format('%I.%I', n.nspname, s.relname) END AS sequence,
       pg_catalog.has_schema_privilege(n.oid, 'USAGE') AND pg_catalog.has_sequence_privilege(s.oid, 'SELECT') AS readable
FROM found o
JOIN root r ON r.classid = o.rootclass AND r.objid = o.rootid
JOIN family f ON f.relation = r.relation
LEFT JOIN pg_catalog.pg_class s ON s.oid = o.sequence
LEFT JOIN pg_catalog.pg_namespace n ON n.oid = s.relnamespace
LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = r.relation AND a.attnum = r.attnum
ORDER BY 1, 2, 4, 3
