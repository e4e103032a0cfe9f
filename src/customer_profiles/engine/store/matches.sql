-- Version 3: identity resolution. A statement ends with the semicolon that ends its line.

-- Jobs of machine-learning-based matching. Settings are the domain's Matching when the job began.
-- The heartbeat is in time of the system's clock; a job without a recent heartbeat was killed.
CREATE TABLE identity_jobs (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  domain INTEGER NOT NULL,
  job_id TEXT NOT NULL UNIQUE,
  status TEXT NOT NULL,
  message TEXT,
  started REAL NOT NULL,
  ended REAL,
  updated REAL NOT NULL,
  heartbeat REAL NOT NULL,
  settings TEXT NOT NULL,
  reviewed INTEGER NOT NULL DEFAULT 0,
  found INTEGER NOT NULL DEFAULT 0,
  merged INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX identity_jobs_by_domain ON identity_jobs (domain, id);

-- What the latest job found; a profile is in one match at most. The job's model explains a match
-- from its evidence.
CREATE TABLE matches (
  id INTEGER PRIMARY KEY,
  domain INTEGER NOT NULL,
  match_id TEXT NOT NULL UNIQUE,
  confidence REAL NOT NULL,
  generated REAL NOT NULL,
  remaining INTEGER NOT NULL,
  members BLOB NOT NULL,
  evidence BLOB NOT NULL
);
CREATE TABLE matching_models (
  domain INTEGER PRIMARY KEY,
  model TEXT NOT NULL
);
CREATE INDEX matches_by_domain ON matches (domain, remaining, id);
CREATE TABLE matched_profiles (
  profile INTEGER PRIMARY KEY,
  match INTEGER NOT NULL
);
CREATE INDEX matched_profiles_by_match ON matched_profiles (match);

CREATE TRIGGER matched_profile_removed AFTER DELETE ON profiles WHEN EXISTS (SELECT 1 FROM matched_profiles WHERE profile = OLD.id) BEGIN UPDATE matches SET remaining = remaining - 1 WHERE id = (SELECT match FROM matched_profiles WHERE profile = OLD.id); DELETE FROM matched_profiles WHERE profile = OLD.id; END;

-- Domains with rules, and the profiles whose keys must be computed again. Triggers add every
-- profile that an operation writes.
CREATE TABLE rule_domains (
  domain INTEGER PRIMARY KEY,
  config TEXT NOT NULL,
  due REAL NOT NULL
);
CREATE TABLE rule_changes (
  profile INTEGER PRIMARY KEY
);
CREATE TRIGGER profile_made AFTER INSERT ON profiles WHEN EXISTS (SELECT 1 FROM rule_domains WHERE domain = NEW.domain) BEGIN INSERT OR IGNORE INTO rule_changes VALUES (NEW.id); END;
CREATE TRIGGER profile_changed AFTER UPDATE OF body ON profiles WHEN EXISTS (SELECT 1 FROM rule_domains WHERE domain = NEW.domain) BEGIN INSERT OR IGNORE INTO rule_changes VALUES (NEW.id); END;
CREATE TRIGGER profile_removed AFTER DELETE ON profiles WHEN EXISTS (SELECT 1 FROM rule_domains WHERE domain = OLD.domain) BEGIN INSERT OR IGNORE INTO rule_changes VALUES (OLD.id); END;

-- The keys that profiles share when they match by rule. Parts are the hashes of a key's values,
-- eight bytes each; rule_values counts the profiles that have a value.
CREATE TABLE rule_keys (
  hash INTEGER NOT NULL,
  profile INTEGER NOT NULL,
  level INTEGER NOT NULL,
  parts BLOB NOT NULL,
  PRIMARY KEY (hash, profile)
) WITHOUT ROWID;
CREATE INDEX rule_keys_by_profile ON rule_keys (profile);
CREATE TABLE rule_values (
  hash INTEGER PRIMARY KEY,
  holders INTEGER NOT NULL
);
