-- The same value, decrypted 500 times by pgcrypto.
DO $$ BEGIN FOR n IN 1..50 LOOP PERFORM pgp_sym_decrypt(e.value, 'pass phrase') FROM encrypted e WHERE e.name = 'S0'; END LOOP; END $$;
SELECT clock_timestamp() AS began \gset
DO $$ BEGIN FOR n IN 1..500 LOOP PERFORM pgp_sym_decrypt(e.value, 'pass phrase') FROM encrypted e WHERE e.name = 'S0'; END LOOP; END $$;
SELECT round(extract(epoch FROM clock_timestamp() - :'began'::timestamptz) * 1000) AS ms \gset
\echo values opened in :ms ms
