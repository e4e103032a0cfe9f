-- Version 2: objects of other systems. A statement ends with the semicolon that ends its line.

CREATE TABLE object_types (
  domain INTEGER NOT NULL,
  name TEXT NOT NULL,
  definition TEXT NOT NULL,
  created REAL NOT NULL,
  updated REAL NOT NULL,
  PRIMARY KEY (domain, name)
);

-- Objects as they came, and the standard objects that they fill, whose types begin with "_". The
-- keys are those that a search finds the profile by, own keys find the object itself. Both are
-- JSON, to be taken out of the index with the object. Sources say which object set which value.
-- Ids come from the domain's counter, as those of profiles do, so the index can hold both.
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

-- Which object set which of a profile's values, values that no object set were set by hand, and
-- how many objects of other systems it has.
ALTER TABLE profiles ADD COLUMN sources BLOB;
ALTER TABLE profiles ADD COLUMN objects INTEGER NOT NULL DEFAULT 0;
ALTER TABLE profiles ADD COLUMN object_bytes INTEGER NOT NULL DEFAULT 0;

-- How values of a key compare, and whether AddProfileKey made the name known, which is for good.
ALTER TABLE key_names ADD COLUMN content_types TEXT NOT NULL DEFAULT '["STRING"]';
ALTER TABLE key_names ADD COLUMN added INTEGER NOT NULL DEFAULT 1;

-- Objects that wait for the moment from which on they are seen.
CREATE TABLE inbox (
  id INTEGER PRIMARY KEY,
  domain INTEGER NOT NULL,
  type TEXT NOT NULL,
  body TEXT NOT NULL,
  due REAL NOT NULL
);

-- Letters leave for the queue of their domain, but for those that it cannot take, which are held.
CREATE TABLE dead_letters (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  domain INTEGER NOT NULL,
  type TEXT NOT NULL,
  body TEXT NOT NULL,
  message TEXT NOT NULL,
  failed REAL NOT NULL,
  held INTEGER NOT NULL DEFAULT 0
);

-- A definition is what requests set, its flow included. Flows with a schedule have a next run, and
-- incremental ones a position, which says what they have pulled.
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

-- What happened to a profile, once it is no longer plain from what is stored now.
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
