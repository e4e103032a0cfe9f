-- Version 10: decisions about pairs of profiles. A statement ends with the semicolon that ends its
-- line.

-- Whether two profiles, by their rows, describe one person; profile is the lower row. A merge
-- transfers the decisions of the merged profiles to the one that is kept.
CREATE TABLE match_decisions (
  profile INTEGER NOT NULL,
  other INTEGER NOT NULL,
  is_match INTEGER NOT NULL,
  decided REAL NOT NULL,
  PRIMARY KEY (profile, other)
) WITHOUT ROWID;
CREATE INDEX match_decisions_by_other ON match_decisions (other);
CREATE TRIGGER decided_profile_removed AFTER DELETE ON profiles WHEN EXISTS (SELECT 1 FROM match_decisions WHERE profile = OLD.id UNION ALL SELECT 1 FROM match_decisions WHERE other = OLD.id) BEGIN DELETE FROM match_decisions WHERE profile = OLD.id OR other = OLD.id; END;
