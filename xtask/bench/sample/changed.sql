-- A few rows that differ: one changed, one missing and one new, in each of three tables.
BEGIN;
SET LOCAL hectic.migration_mode = 'on';
UPDATE shop.reference_7 SET label = 'Another label' WHERE id = 500;
DELETE FROM shop.reference_7 WHERE id = 17;
INSERT INTO shop.reference_7 (id, code) VALUES (2000, 'new');
UPDATE shop.reference_50 SET label = 'Another label' WHERE id = 500;
DELETE FROM shop.reference_50 WHERE id = 17;
INSERT INTO shop.reference_50 (id, code) VALUES (2000, 'new');
UPDATE shop.reference_93 SET label = 'Another label' WHERE id = 500;
DELETE FROM shop.reference_93 WHERE id = 17;
INSERT INTO shop.reference_93 (id, code) VALUES (2000, 'new');
COMMIT;
