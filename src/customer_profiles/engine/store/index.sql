-- Version 4: an index to match one record against all profiles. A statement ends with the semicolon
-- that ends its line.

-- When a model was made, so that a process that has it in memory notices a newer one.
ALTER TABLE matching_models ADD COLUMN made REAL NOT NULL DEFAULT 0;

-- matches.members lists the profiles of a match. This index cost a job of a million profiles a
-- second.
DROP INDEX matched_profiles_by_match;

-- Domains with an index, and when the index's model was made. An index that is not ready is being
-- built, or the process that built it was killed.
CREATE TABLE identity_indexes (
  domain INTEGER PRIMARY KEY,
  made REAL NOT NULL,
  ready INTEGER NOT NULL
);

-- The blocking keys of profiles. Outdated keys of a profile stay: candidates are compared by their
-- current values.
CREATE TABLE identity_keys (
  key INTEGER NOT NULL,
  profile INTEGER NOT NULL,
  PRIMARY KEY (key, profile)
) WITHOUT ROWID;

-- Profiles that were written since their keys were computed.
CREATE TABLE identity_changes (
  profile INTEGER PRIMARY KEY
);
CREATE TRIGGER indexed_profile_made AFTER INSERT ON profiles WHEN EXISTS (SELECT 1 FROM identity_indexes WHERE domain = NEW.domain) BEGIN INSERT OR IGNORE INTO identity_changes VALUES (NEW.id); END;
CREATE TRIGGER indexed_profile_changed AFTER UPDATE OF body ON profiles WHEN EXISTS (SELECT 1 FROM identity_indexes WHERE domain = NEW.domain) BEGIN INSERT OR IGNORE INTO identity_changes VALUES (NEW.id); END;
