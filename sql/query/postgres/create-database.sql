-- A template: creates an empty database with a given encoding and locale.
CREATE DATABASE @name@ OWNER @owner@ TEMPLATE template0 ENCODING @encoding@ LOCALE_PROVIDER @provider@
  LC_COLLATE @collate@ LC_CTYPE @ctype@@more@
