-- Version 7. A statement ends with the semicolon that ends its line.

-- The latest event of a profile with an action is found without reading its whole history.
DROP INDEX history_by_profile;
CREATE INDEX history_by_action ON history (profile, action, id);
