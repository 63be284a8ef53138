-- A sealed value of 256 bytes, opened 500 times by a session that has done so before.
DO $$ BEGIN FOR n IN 1..50 LOOP PERFORM hectic.get_secret('S0'); END LOOP; END $$;
SELECT clock_timestamp() AS began \gset
DO $$ BEGIN FOR n IN 1..500 LOOP PERFORM hectic.get_secret('S0'); END LOOP; END $$;
SELECT round(extract(epoch FROM clock_timestamp() - :'began'::timestamptz) * 1000) AS ms \gset
\echo values opened in :ms ms
