-- Version 4: an index to match one record against all profiles. A statement ends with the semicolon
-- that ends its line.

-- When a model was made, so that who keeps it in memory sees that there is a newer one.
ALTER TABLE matching_models ADD COLUMN made REAL NOT NULL DEFAULT 0;

-- A match names its profiles itself: this index cost a second of a job of a million profiles.
DROP INDEX matched_profiles_by_match;

-- Domains with such an index, of the model that was made then. While one is not ready it is being
-- made, or whoever made it was killed.
CREATE TABLE identity_indexes (
  domain INTEGER PRIMARY KEY,
  made REAL NOT NULL,
  ready INTEGER NOT NULL
);

-- What profiles are found by. Keys that a profile has no more stay: who finds it compares it as it
-- is now.
CREATE TABLE identity_keys (
  key INTEGER NOT NULL,
  profile INTEGER NOT NULL,
  PRIMARY KEY (key, profile)
) WITHOUT ROWID;

-- Profiles that were written since their keys were made.
CREATE TABLE identity_changes (
  profile INTEGER PRIMARY KEY
);
CREATE TRIGGER indexed_profile_made AFTER INSERT ON profiles WHEN EXISTS (SELECT 1 FROM identity_indexes WHERE domain = NEW.domain) BEGIN INSERT OR IGNORE INTO identity_changes VALUES (NEW.id); END;
CREATE TRIGGER indexed_profile_changed AFTER UPDATE OF body ON profiles WHEN EXISTS (SELECT 1 FROM identity_indexes WHERE domain = NEW.domain) BEGIN INSERT OR IGNORE INTO identity_changes VALUES (NEW.id); END;
