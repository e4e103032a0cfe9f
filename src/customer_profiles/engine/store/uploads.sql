-- Upload jobs. A statement ends with the semicolon that ends its line.

-- Fields is JSON. Valid_until is the time until which the latest address accepts a file; a file
-- that is not imported is removed some time after that.
CREATE TABLE upload_jobs (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  domain INTEGER NOT NULL,
  job_id TEXT NOT NULL UNIQUE,
  name TEXT NOT NULL,
  fields TEXT NOT NULL,
  unique_key TEXT NOT NULL,
  expiry_days INTEGER NOT NULL,
  status TEXT NOT NULL,
  reason TEXT,
  created REAL NOT NULL,
  completed REAL,
  valid_until REAL,
  updated_rows INTEGER NOT NULL DEFAULT 0,
  created_rows INTEGER NOT NULL DEFAULT 0,
  failed_rows INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX upload_jobs_by_domain ON upload_jobs (domain, id);
