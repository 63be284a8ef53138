-- A table and what a dump says about it: ten objects. A template.
CREATE TABLE excluded.t_@number@ (id bigint NOT NULL, parent bigint, name text NOT NULL, price numeric(12, 2) DEFAULT 0 NOT NULL, made timestamptz DEFAULT now() NOT NULL, CONSTRAINT price_is_positive CHECK (price >= 0));
COMMENT ON TABLE excluded.t_@number@ IS 'Thing number @number@';
CREATE SEQUENCE excluded.t_@number@_id_seq;
ALTER SEQUENCE excluded.t_@number@_id_seq OWNED BY excluded.t_@number@.id;
ALTER TABLE ONLY excluded.t_@number@ ALTER COLUMN id SET DEFAULT nextval('excluded.t_@number@_id_seq'::regclass);
ALTER TABLE ONLY excluded.t_@number@ ADD CONSTRAINT t_@number@_pkey PRIMARY KEY (id);
CREATE INDEX t_@number@_name ON excluded.t_@number@ (lower(name));
CREATE INDEX t_@number@_made ON excluded.t_@number@ (made) WHERE price > 0;
ALTER TABLE ONLY excluded.t_@number@ ADD CONSTRAINT t_@number@_parent FOREIGN KEY (parent) REFERENCES excluded.t_@number@ (id);
CREATE FUNCTION excluded.f_@number@() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.made := now(); RETURN NEW; END $$;
CREATE TRIGGER touched BEFORE UPDATE ON excluded.t_@number@ FOR EACH ROW EXECUTE FUNCTION excluded.f_@number@();
CREATE VIEW excluded.v_@number@ AS SELECT id, name, price FROM excluded.t_@number@ WHERE price > 0;
GRANT SELECT ON excluded.v_@number@ TO PUBLIC;
