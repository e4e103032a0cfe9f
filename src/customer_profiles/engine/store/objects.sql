-- Version 2: objects of other systems. A statement ends with the semicolon that ends its line.

CREATE TABLE object_types (
  domain INTEGER NOT NULL,
  name TEXT NOT NULL,
  definition TEXT NOT NULL,
  created REAL NOT NULL,
  updated REAL NOT NULL,
  PRIMARY KEY (domain, name)
);

-- Objects as they were put, and the standard objects that they fill, whose types begin with "_".
-- A search finds the profile by keys, and ingestion finds the object itself by own_keys. Both are
-- JSON, from which they are removed from the index with the object. Sources tell which object set
-- which value. Ids come from domains.last_row, as those of profiles do, so the index can hold both.
CREATE TABLE objects (
  id INTEGER PRIMARY KEY,
  domain INTEGER NOT NULL,
  profile INTEGER NOT NULL,
  type TEXT NOT NULL,
  unique_key TEXT NOT NULL,
  ingested REAL NOT NULL,
  changed REAL NOT NULL,
  expires INTEGER NOT NULL,
  keys BLOB NOT NULL,
  own_keys BLOB NOT NULL,
  sources BLOB,
  body BLOB NOT NULL
);
CREATE INDEX objects_by_expiry ON objects (expires);

-- Sources tell which object set which value of a profile; a value without a source was set by hand.
-- The counters are of objects of other systems, without standard objects.
ALTER TABLE profiles ADD COLUMN sources BLOB;
ALTER TABLE profiles ADD COLUMN objects INTEGER NOT NULL DEFAULT 0;
ALTER TABLE profiles ADD COLUMN object_bytes INTEGER NOT NULL DEFAULT 0;

-- Content types tell how values of a key are compared. A name that AddProfileKey has added is kept
-- when the object types with that key are deleted.
ALTER TABLE key_names ADD COLUMN content_types TEXT NOT NULL DEFAULT '["STRING"]';
ALTER TABLE key_names ADD COLUMN added INTEGER NOT NULL DEFAULT 1;

-- Objects that are ingested when they are due.
CREATE TABLE inbox (
  id INTEGER PRIMARY KEY,
  domain INTEGER NOT NULL,
  type TEXT NOT NULL,
  body TEXT NOT NULL,
  due REAL NOT NULL
);

-- Objects that ingestion rejected. They are sent to the queue of their domain; those that the queue
-- cannot accept are kept here, and held is 1.
CREATE TABLE dead_letters (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  domain INTEGER NOT NULL,
  type TEXT NOT NULL,
  body TEXT NOT NULL,
  message TEXT NOT NULL,
  failed REAL NOT NULL,
  held INTEGER NOT NULL DEFAULT 0
);

-- A definition is what requests set, including the flow. A scheduled flow has a next run, and an
-- incremental flow has a position, which tells what it has pulled already.
CREATE TABLE integrations (
  domain INTEGER NOT NULL,
  uri TEXT NOT NULL,
  definition TEXT NOT NULL,
  created REAL NOT NULL,
  updated REAL NOT NULL,
  next_run REAL,
  position TEXT,
  PRIMARY KEY (domain, uri)
);
CREATE INDEX integrations_by_uri ON integrations (uri);
CREATE INDEX integrations_by_next_run ON integrations (next_run) WHERE next_run IS NOT NULL;

-- Past events of a profile that its current rows do not show.
CREATE TABLE history (
  id INTEGER PRIMARY KEY,
  profile INTEGER NOT NULL,
  type TEXT NOT NULL,
  action TEXT NOT NULL,
  created REAL NOT NULL,
  unique_key TEXT,
  content BLOB
);
CREATE INDEX history_by_profile ON history (profile, id);
