-- Version 13: estimates and snapshots of segments. A statement ends with the semicolon that ends its
-- line.

-- A query is what the request asked to count, as JSON.
CREATE TABLE segment_estimates (
  domain INTEGER NOT NULL,
  estimate_id TEXT NOT NULL,
  query TEXT NOT NULL,
  created REAL NOT NULL,
  status TEXT NOT NULL,
  estimate INTEGER,
  message TEXT,
  PRIMARY KEY (domain, estimate_id)
);

-- A request is what was asked for, as JSON.
CREATE TABLE segment_snapshots (
  domain INTEGER NOT NULL,
  segment TEXT NOT NULL,
  snapshot_id TEXT NOT NULL,
  request TEXT NOT NULL,
  created REAL NOT NULL,
  status TEXT NOT NULL,
  message TEXT,
  PRIMARY KEY (domain, segment, snapshot_id)
);

-- The files of a snapshot that are not written yet, with the rows of their profiles as a JSON list,
-- in the order of the file.
CREATE TABLE segment_parts (
  domain INTEGER NOT NULL,
  snapshot_id TEXT NOT NULL,
  part INTEGER NOT NULL,
  members TEXT NOT NULL,
  PRIMARY KEY (domain, snapshot_id, part)
);
