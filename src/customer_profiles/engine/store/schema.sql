-- Version 1. A statement ends with the semicolon that ends its line, and comments hold none.

CREATE TABLE meta (
  name TEXT PRIMARY KEY,
  value BLOB NOT NULL
) WITHOUT ROWID;

-- Ids are never used twice, so the hash of a key can include the domain's id.
CREATE TABLE domains (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT NOT NULL UNIQUE,
  settings TEXT NOT NULL,
  expiration_days INTEGER NOT NULL,
  created REAL NOT NULL,
  updated REAL NOT NULL,
  last_row INTEGER NOT NULL,
  profile_count INTEGER NOT NULL DEFAULT 0,
  object_count INTEGER NOT NULL DEFAULT 0,
  total_size INTEGER NOT NULL DEFAULT 0
);

-- The body is the profile as JSON, as the service answers it. Ids (see rows.py) only grow within a
-- domain and are never used twice, so they serve as page positions. domains.last_row counts them.
CREATE TABLE profiles (
  id INTEGER PRIMARY KEY,
  domain INTEGER NOT NULL,
  profile_id BLOB NOT NULL,
  expires INTEGER NOT NULL,
  body BLOB NOT NULL
);
CREATE UNIQUE INDEX profiles_by_profile_id ON profiles (profile_id, domain);
CREATE INDEX profiles_by_expiry ON profiles (expires);

-- The search index: a key is stored as a hash of its domain, name and normalized value, which keeps
-- the rows small.
CREATE TABLE keys (
  hash INTEGER NOT NULL,
  profile INTEGER NOT NULL,
  PRIMARY KEY (hash, profile)
) WITHOUT ROWID;

-- New rows of the index. They move to keys in its order, many at once, which is faster than random
-- inserts into a large table.
CREATE TABLE fresh_keys (
  hash INTEGER NOT NULL,
  profile INTEGER NOT NULL,
  PRIMARY KEY (hash, profile)
) WITHOUT ROWID;

-- Keys that were added by hand. A merge moves them, and they are deleted with their profile.
CREATE TABLE added_keys (
  profile INTEGER NOT NULL,
  name TEXT NOT NULL,
  normal TEXT NOT NULL,
  value TEXT NOT NULL,
  PRIMARY KEY (profile, name, normal)
) WITHOUT ROWID;

CREATE TABLE key_names (
  domain INTEGER NOT NULL,
  name TEXT NOT NULL,
  PRIMARY KEY (domain, name)
) WITHOUT ROWID;

CREATE TABLE tags (
  resource TEXT NOT NULL,
  name TEXT NOT NULL,
  value TEXT NOT NULL,
  PRIMARY KEY (resource, name)
) WITHOUT ROWID;
