\ir catalogue.sql
\ir customer.sql
\ir order.sql
\ir view.sql
