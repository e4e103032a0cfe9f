-- Version 6: columns get the names of what they hold. A statement ends with the semicolon that ends
-- its line.

-- The index holds profiles and objects, see rows.py.
ALTER TABLE keys RENAME COLUMN hash TO slot;
ALTER TABLE keys RENAME COLUMN profile TO holder;
ALTER TABLE fresh_keys RENAME COLUMN hash TO slot;
ALTER TABLE fresh_keys RENAME COLUMN profile TO holder;

-- Dead letters that no queue accepts.
ALTER TABLE dead_letters RENAME COLUMN held TO undeliverable;
