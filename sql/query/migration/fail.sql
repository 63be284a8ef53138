-- Sets running migrations to Error. $2 is a version and $3 a session; NULL means any.
SELECT hectic.fail_migration($1::text, $2::bigint, $3::integer, $4::text, $5::text, $6::text, $7::text) AS name
