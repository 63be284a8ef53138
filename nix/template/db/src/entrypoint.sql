-- The whole schema, in dependency order.
-- By hand, from the project root, once the hectic bundle is applied:
--   psql -X -v ON_ERROR_STOP=1 [-v USE_MOCK=1] -f db/src/entrypoint.sql
SET client_encoding = 'UTF8';

\if :{?shop_currency}
\else
  \set shop_currency EUR
\endif

\ir role.sql
\ir type.sql
\ir reference/table.sql
\ir reference/data.sql
\ir shop/shop.sql
\ir billing/billing.sql
\ir grant.sql

\if :{?USE_MOCK}
  \echo 'Loading mock data'
  \ir mock/mock.sql
\endif
