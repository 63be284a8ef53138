-- A Running migration becomes Error; $2 and $3 are null for any version and any session.
SELECT hectic.fail_migration($1::text, $2::bigint, $3::integer, $4::text, $5::text, $6::text, $7::text) AS name
