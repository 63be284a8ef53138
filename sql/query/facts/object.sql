-- Every object that may be a fact, one row each: its address as in pg_depend, the address of the
-- object that contains it (0: none), its kind, its name in SQL, its owner, and its privileges
-- unless they are PostgreSQL's built-in ones.
--
-- This query decides which objects are left out: those of other schemas and members of extensions.
-- The reader ignores parts and properties of objects that are not listed. Kinds and names are the
-- server's own (pg_identify_object). Objects of a catalog that db-tool does not model appear, too;
-- the last branch finds them. Objects of initdb have OIDs below 16384.
WITH object(class, id, schema, container_class, container, kind, owner, acl, acl_kind) AS (
  SELECT n.tableoid, n.oid, n.oid, 0::oid, 0::oid, NULL::text, n.nspowner, n.nspacl, 'n'::"char"
  FROM pg_catalog.pg_namespace n
  UNION ALL
  SELECT c.tableoid, c.oid, c.relnamespace, 0, 0, NULL, c.relowner, c.relacl, 'r'
  FROM pg_catalog.pg_class c
  WHERE c.oid >= 16384 AND c.relkind NOT IN ('i', 'I', 'S', 'c')
  UNION ALL
  SELECT c.tableoid, c.oid, c.relnamespace, c.tableoid, i.indrelid, NULL, 0, NULL, NULL
  FROM pg_catalog.pg_class c
  JOIN pg_catalog.pg_index i ON i.indexrelid = c.oid
  WHERE c.oid >= 16384
  UNION ALL
  -- A sequence that a column owns is contained in its table.
  SELECT c.tableoid, c.oid, c.relnamespace, coalesce(d.refclassid, 0), coalesce(d.refobjid, 0),
         NULL, c.relowner, c.relacl, 's'
  FROM pg_catalog.pg_class c
  LEFT JOIN pg_catalog.pg_depend d
    ON d.classid = c.tableoid AND d.objid = c.oid AND d.refclassid = c.tableoid AND d.deptype = 'a'
  WHERE c.oid >= 16384 AND c.relkind = 'S'
  UNION ALL
  -- CREATE CONSTRAINT TRIGGER makes two objects, of which the trigger is listed. NOT NULL is a
  -- property of its column or domain, although later releases also store a constraint.
  SELECT k.tableoid, k.oid, 0, 'pg_catalog.pg_class'::pg_catalog.regclass, k.conrelid, 'constraint', 0, NULL, NULL
  FROM pg_catalog.pg_constraint k
  WHERE k.oid >= 16384 AND k.conrelid <> 0 AND k.contype NOT IN ('t', 'n')
  UNION ALL
  SELECT k.tableoid, k.oid, 0, 'pg_catalog.pg_type'::pg_catalog.regclass, k.contypid, 'constraint', 0, NULL, NULL
  FROM pg_catalog.pg_constraint k
  WHERE k.oid >= 16384 AND k.contypid <> 0 AND k.contype <> 'n'
  UNION ALL
  SELECT t.tableoid, t.oid, 0, 'pg_catalog.pg_class'::pg_catalog.regclass, t.tgrelid, NULL, 0, NULL, NULL
  FROM pg_catalog.pg_trigger t
  WHERE NOT t.tgisinternal
  UNION ALL
  SELECT w.tableoid, w.oid, 0, 'pg_catalog.pg_class'::pg_catalog.regclass, w.ev_class, NULL, 0, NULL, NULL
  FROM pg_catalog.pg_rewrite w
  WHERE w.oid >= 16384 AND w.rulename <> '_RETURN'
  UNION ALL
  SELECT p.tableoid, p.oid, 0, 'pg_catalog.pg_class'::pg_catalog.regclass, p.polrelid, NULL, 0, NULL, NULL
  FROM pg_catalog.pg_policy p
  UNION ALL
  SELECT s.tableoid, s.oid, s.stxnamespace, 'pg_catalog.pg_class'::pg_catalog.regclass, s.stxrelid,
         NULL, s.stxowner, NULL, NULL
  FROM pg_catalog.pg_statistic_ext s
  UNION ALL
  SELECT p.tableoid, p.oid, p.pronamespace, 0, 0, NULL, p.proowner, p.proacl, 'f'
  FROM pg_catalog.pg_proc p
  WHERE p.oid >= 16384
  UNION ALL
  -- Array types and row types of tables are made with another object and have no properties of
  -- their own.
  SELECT t.tableoid, t.oid, t.typnamespace, 0, 0,
         CASE t.typtype WHEN 'd' THEN 'domain' WHEN 'e' THEN 'enum' END, t.typowner, t.typacl, 'T'
  FROM pg_catalog.pg_type t
  LEFT JOIN pg_catalog.pg_class c ON c.oid = t.typrelid
  LEFT JOIN pg_catalog.pg_type e ON e.oid = t.typelem
  WHERE t.oid >= 16384 AND coalesce(c.relkind, 'c') = 'c'
    AND e.typarray IS DISTINCT FROM t.oid
  UNION ALL
  SELECT o.tableoid, o.oid, o.oprnamespace, 0, 0, NULL, o.oprowner, NULL, NULL
  FROM pg_catalog.pg_operator o
  WHERE o.oid >= 16384
  UNION ALL
  SELECT o.tableoid, o.oid, o.opcnamespace, 0, 0, NULL, o.opcowner, NULL, NULL
  FROM pg_catalog.pg_opclass o
  WHERE o.oid >= 16384
  UNION ALL
  SELECT o.tableoid, o.oid, o.opfnamespace, 0, 0, NULL, o.opfowner, NULL, NULL
  FROM pg_catalog.pg_opfamily o
  WHERE o.oid >= 16384
  UNION ALL
  -- Members of operator families. Those in PostgreSQL's own families have no listed object that
  -- contains them.
  SELECT m.tableoid, m.oid, 0,
         CASE WHEN m.amopfamily >= 16384 THEN 'pg_catalog.pg_opfamily'::pg_catalog.regclass ELSE 0 END, m.amopfamily,
         NULL, 0, NULL, NULL
  FROM pg_catalog.pg_amop m
  WHERE m.oid >= 16384
  UNION ALL
  SELECT m.tableoid, m.oid, 0,
         CASE WHEN m.amprocfamily >= 16384 THEN 'pg_catalog.pg_opfamily'::pg_catalog.regclass ELSE 0 END, m.amprocfamily,
         NULL, 0, NULL, NULL
  FROM pg_catalog.pg_amproc m
  WHERE m.oid >= 16384
  UNION ALL
  SELECT c.tableoid, c.oid, c.collnamespace, 0, 0, NULL, c.collowner, NULL, NULL
  FROM pg_catalog.pg_collation c
  WHERE c.oid >= 16384
  UNION ALL
  SELECT c.tableoid, c.oid, c.connamespace, 0, 0, NULL, c.conowner, NULL, NULL
  FROM pg_catalog.pg_conversion c
  WHERE c.oid >= 16384
  UNION ALL
  SELECT c.tableoid, c.oid, c.cfgnamespace, 0, 0, NULL, c.cfgowner, NULL, NULL
  FROM pg_catalog.pg_ts_config c
  WHERE c.oid >= 16384
  UNION ALL
  SELECT d.tableoid, d.oid, d.dictnamespace, 0, 0, NULL, d.dictowner, NULL, NULL
  FROM pg_catalog.pg_ts_dict d
  WHERE d.oid >= 16384
  UNION ALL
  SELECT p.tableoid, p.oid, p.prsnamespace, 0, 0, NULL, 0, NULL, NULL
  FROM pg_catalog.pg_ts_parser p
  WHERE p.oid >= 16384
  UNION ALL
  SELECT t.tableoid, t.oid, t.tmplnamespace, 0, 0, NULL, 0, NULL, NULL
  FROM pg_catalog.pg_ts_template t
  WHERE t.oid >= 16384
  UNION ALL
  SELECT c.tableoid, c.oid, 0, 0, 0, NULL, 0, NULL, NULL
  FROM pg_catalog.pg_cast c
  WHERE c.oid >= 16384
  UNION ALL
  SELECT t.tableoid, t.oid, 0, 0, 0, NULL, 0, NULL, NULL
  FROM pg_catalog.pg_transform t
  UNION ALL
  SELECT a.tableoid, a.oid, 0, 0, 0, NULL, 0, NULL, NULL
  FROM pg_catalog.pg_am a
  WHERE a.oid >= 16384
  UNION ALL
  SELECT l.tableoid, l.oid, 0, 0, 0, NULL, l.lanowner, l.lanacl, 'l'
  FROM pg_catalog.pg_language l
  UNION ALL
  SELECT e.tableoid, e.oid, p.pronamespace, 0, 0, NULL, e.evtowner, NULL, NULL
  FROM pg_catalog.pg_event_trigger e
  JOIN pg_catalog.pg_proc p ON p.oid = e.evtfoid
  UNION ALL
  SELECT e.tableoid, e.oid, 0, 0, 0, NULL, e.extowner, NULL, NULL
  FROM pg_catalog.pg_extension e
  UNION ALL
  SELECT f.tableoid, f.oid, 0, 0, 0, NULL, f.fdwowner, f.fdwacl, 'F'
  FROM pg_catalog.pg_foreign_data_wrapper f
  UNION ALL
  SELECT s.tableoid, s.oid, 0, 0, 0, NULL, s.srvowner, s.srvacl, 'S'
  FROM pg_catalog.pg_foreign_server s
  UNION ALL
  -- The catalog contains passwords, and not every role may read it.
  SELECT 'pg_catalog.pg_user_mapping'::pg_catalog.regclass, u.umid, 0,
         'pg_catalog.pg_foreign_server'::pg_catalog.regclass, u.srvid, NULL, 0, NULL, NULL
  FROM pg_catalog.pg_user_mappings u
  UNION ALL
  SELECT p.tableoid, p.oid, 0, 0, 0, NULL, p.pubowner, NULL, NULL
  FROM pg_catalog.pg_publication p
  UNION ALL
  -- The catalog contains passwords, and not every role may read it, nor its tableoid.
  SELECT 'pg_catalog.pg_subscription'::pg_catalog.regclass, s.oid, 0, 0, 0, NULL, s.subowner, NULL, NULL
  FROM pg_catalog.pg_subscription s
  JOIN pg_catalog.pg_database d ON d.oid = s.subdbid
  WHERE d.datname = pg_catalog.current_database()
  UNION ALL
  SELECT a.tableoid, a.oid, 0, 0, 0, NULL, 0, a.defaclacl, NULL
  FROM pg_catalog.pg_default_acl a
  UNION ALL
  SELECT d.tableoid, d.oid, 0, 0, 0, NULL, d.datdba, d.datacl, 'd'
  FROM pg_catalog.pg_database d
  WHERE d.datname = pg_catalog.current_database()
  UNION ALL
  SELECT DISTINCT d.classid, d.objid, 0::oid, 0::oid, 0::oid, NULL, 0::oid, NULL::pg_catalog.aclitem[], NULL::"char"
  FROM pg_catalog.pg_depend d
  WHERE d.objid >= 16384 AND d.classid <> ALL (ARRAY[
    'pg_catalog.pg_am', 'pg_catalog.pg_amop', 'pg_catalog.pg_amproc', 'pg_catalog.pg_attrdef',
    'pg_catalog.pg_cast', 'pg_catalog.pg_class', 'pg_catalog.pg_collation', 'pg_catalog.pg_constraint',
    'pg_catalog.pg_conversion', 'pg_catalog.pg_default_acl', 'pg_catalog.pg_event_trigger',
    'pg_catalog.pg_extension', 'pg_catalog.pg_foreign_data_wrapper', 'pg_catalog.pg_foreign_server',
    'pg_catalog.pg_language', 'pg_catalog.pg_namespace', 'pg_catalog.pg_opclass', 'pg_catalog.pg_operator',
    'pg_catalog.pg_opfamily', 'pg_catalog.pg_policy', 'pg_catalog.pg_proc', 'pg_catalog.pg_publication',
    'pg_catalog.pg_publication_namespace', 'pg_catalog.pg_publication_rel', 'pg_catalog.pg_rewrite',
    'pg_catalog.pg_statistic_ext', 'pg_catalog.pg_transform', 'pg_catalog.pg_trigger',
    'pg_catalog.pg_ts_config', 'pg_catalog.pg_ts_dict', 'pg_catalog.pg_ts_parser',
    'pg_catalog.pg_ts_template', 'pg_catalog.pg_type', 'pg_catalog.pg_user_mapping'
  ]::pg_catalog.regclass[]::oid[])
)
-- An object that the server made for another one is contained in it: the index of a constraint, the
-- functions of a range type.
SELECT o.class, o.id, 0 AS sub, coalesce(d.refclassid, o.container_class) AS container_class,
       coalesce(d.refobjid, o.container) AS container, coalesce(o.kind, i.type) AS kind,
       -- The name of the current database does not count.
       CASE i.type WHEN 'database' THEN 'current' ELSE i.identity END AS name,
       CASE WHEN o.owner <> 0 THEN pg_catalog.pg_get_userbyid(o.owner)::text END AS owner,
       CASE WHEN o.acl IS NOT NULL THEN nullif(
         coalesce((SELECT pg_catalog.string_agg(a::text, ', ' ORDER BY a::text COLLATE pg_catalog."C")
                   FROM pg_catalog.unnest(o.acl) a), 'nobody'),
         (SELECT coalesce(pg_catalog.string_agg(a::text, ', ' ORDER BY a::text COLLATE pg_catalog."C"), 'nobody')
          FROM pg_catalog.unnest(pg_catalog.acldefault(o.acl_kind, o.owner)) a)) END AS acl
FROM object o
LEFT JOIN pg_catalog.pg_namespace n ON n.oid = o.schema
LEFT JOIN pg_catalog.pg_depend d
  ON d.classid = o.class AND d.objid = o.id AND d.objsubid = 0 AND d.deptype IN ('e', 'i')
CROSS JOIN LATERAL pg_catalog.pg_identify_object(o.class, o.id, 0) i
WHERE d.deptype IS DISTINCT FROM 'e' AND i.identity IS NOT NULL
  AND (n.nspname IS NULL OR n.nspname NOT LIKE 'pg\_%' AND n.nspname NOT IN ('information_schema', 'hectic'))
UNION ALL
-- Columns. There are many, and pg_identify_object would be too slow for each of them.
SELECT c.tableoid, c.oid, a.attnum,
       CASE c.relkind WHEN 'c' THEN 'pg_catalog.pg_type'::pg_catalog.regclass ELSE c.tableoid END,
       CASE c.relkind WHEN 'c' THEN c.reltype ELSE c.oid END, 'column',
       pg_catalog.format('%I.%I.%I', n.nspname, c.relname, a.attname), NULL,
       CASE WHEN a.attacl IS NOT NULL THEN (
         SELECT pg_catalog.string_agg(x::text, ', ' ORDER BY x::text COLLATE pg_catalog."C")
         FROM pg_catalog.unnest(a.attacl) x) END
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid
WHERE c.oid >= 16384 AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'c') AND a.attnum > 0 AND NOT a.attisdropped
