@first_line@
-- psql loads it into an empty database that has the same bundle.
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET search_path = '';
@rules@@public@
