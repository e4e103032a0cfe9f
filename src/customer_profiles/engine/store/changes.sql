-- Version 11: the change feed and what is delivered from it. A statement ends with the semicolon
-- that ends its line.

-- Who reads the domain's changes, as bits (see changes.py); 0 means that none are recorded.
ALTER TABLE domains ADD COLUMN feed INTEGER NOT NULL DEFAULT 0;

-- A row is written in the transaction of its change. AUTOINCREMENT, because a reader that waits for
-- the next id would never see a new row under the id of one that was removed. The target is the
-- row of the profile into which this one was merged.
CREATE TABLE changes (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  domain INTEGER NOT NULL,
  profile INTEGER NOT NULL,
  profile_id BLOB NOT NULL,
  event TEXT NOT NULL,
  type TEXT NOT NULL,
  unique_key TEXT,
  created REAL NOT NULL,
  body BLOB,
  target INTEGER
);
CREATE INDEX changes_by_domain ON changes (domain, id);
CREATE INDEX changes_by_target ON changes (target) WHERE target IS NOT NULL;

-- Trimmed is the highest id that a reader can no longer read beyond. Keep is how many seconds rows
-- are kept for readers, NULL if only until they are delivered.
CREATE TABLE feeds (
  domain INTEGER PRIMARY KEY,
  keep REAL,
  trimmed INTEGER NOT NULL
);

-- The positions of readers, which they own. A turn is one more after each attempt to deliver.
CREATE TABLE consumers (
  domain INTEGER NOT NULL,
  name TEXT NOT NULL,
  position INTEGER NOT NULL,
  turn INTEGER NOT NULL DEFAULT 0,
  destination TEXT,
  failures INTEGER NOT NULL DEFAULT 0,
  failing_since REAL,
  retry_at REAL NOT NULL DEFAULT 0,
  problem TEXT,
  PRIMARY KEY (domain, name)
);

-- Items before the position of their consumer that were not delivered. Items of a series are
-- delivered in the order of their ids. Held ones are no longer tried.
CREATE TABLE undelivered (
  domain INTEGER NOT NULL,
  name TEXT NOT NULL,
  item INTEGER NOT NULL,
  series INTEGER NOT NULL,
  attempts INTEGER NOT NULL,
  due REAL NOT NULL,
  held INTEGER NOT NULL,
  problem TEXT,
  PRIMARY KEY (domain, name, item)
);
