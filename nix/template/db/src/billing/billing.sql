\ir invoice.sql
\ir function.sql
\ir view.sql
