-- What is pulled: @parts@ tables with a key, of 80 MB each as text.
DO $$
BEGIN
  FOR part IN 1..@parts@ LOOP
    EXECUTE format($sql$
      CREATE TABLE pulled_%s AS
      SELECT n AS id, md5(n::text) AS token, 'customer ' || n %% 5000 AS customer, (n %% 977) / 7.0::numeric AS price,
             timestamptz '2025-01-01 00:00:00Z' + n * interval '1 s' AS made,
             'shipped by carrier ' || n %% 13 || ' to street ' || n %% 1999 AS note
      FROM generate_series(1, 600000) AS n$sql$, part);
    EXECUTE format('ALTER TABLE pulled_%s ADD PRIMARY KEY (id)', part);
  END LOOP;
END
$$;
VACUUM ANALYZE;
