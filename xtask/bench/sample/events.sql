-- Rows as applications write them, repetitive and not: with the rest of the cluster some 300 MB.
CREATE TABLE event AS
SELECT n AS id, md5(n::text) AS token, 'customer ' || n % 5000 AS customer, (n % 977) / 7.0::numeric AS price,
       timestamptz '2025-01-01 00:00:00Z' + n * interval '1 s' AS made,
       'shipped by carrier ' || n % 13 || ' to street ' || n % 1999 AS note
FROM generate_series(1, 2000000) AS n;
