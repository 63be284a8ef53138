-- Restores psql's output settings to those at its start. The migrator restores the variables
-- itself.
\o
\timing off
\encoding UTF8
\pset border 1
\pset columns 0
\pset csv_fieldsep ,
\pset expanded off
\pset fieldsep '|'
\pset footer on
\pset format aligned
\pset linestyle ascii
\pset null ''
\pset numericlocale off
\pset pager off
\pset recordsep '\n'
\pset tableattr
\pset title
\pset tuples_only off
\pset unicode_border_linestyle single
\pset unicode_column_linestyle single
\pset unicode_header_linestyle single
