-- A table and what is often done to it next. A template.
CREATE TABLE @schema@.t_@number@ (id int, name text) @parent@;
ALTER TABLE @schema@.t_@number@ ADD COLUMN more int;
CREATE INDEX ON @schema@.t_@number@ (id);
