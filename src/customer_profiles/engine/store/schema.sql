-- Version 1. A statement ends with the semicolon that ends its line, and comments hold none.

CREATE TABLE meta (
  name TEXT PRIMARY KEY,
  value BLOB NOT NULL
) WITHOUT ROWID;

-- Ids are never used twice, so the hash of a key can begin with the domain's id.
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

-- The body is the JSON that answers with the profile. Ids only grow within a domain and are never
-- used twice, which makes them page positions. The domain counts them, with its other counters.
CREATE TABLE profiles (
  id INTEGER PRIMARY KEY,
  domain INTEGER NOT NULL,
  profile_id BLOB NOT NULL,
  expires INTEGER NOT NULL,
  body BLOB NOT NULL
);
CREATE UNIQUE INDEX profiles_by_profile_id ON profiles (profile_id, domain);
CREATE INDEX profiles_by_expiry ON profiles (expires);

-- A key is a hash of domain, name and normalised value: small rows keep a million profiles fast.
CREATE TABLE keys (
  hash INTEGER NOT NULL,
  profile INTEGER NOT NULL,
  PRIMARY KEY (hash, profile)
) WITHOUT ROWID;

-- Inserts land in this small tree, which moves into the big one in order, many at a time.
CREATE TABLE fresh_keys (
  hash INTEGER NOT NULL,
  profile INTEGER NOT NULL,
  PRIMARY KEY (hash, profile)
) WITHOUT ROWID;

-- What was added by hand: listed, moved by a merge and deleted with the profile.
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
