-- Version 8: work that is done in steps, after the request that asked for it was answered. A
-- statement ends with the semicolon that ends its line.

-- Detail is JSON, with the arguments of the work and how far it is. Ids order the work.
CREATE TABLE pending_work (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  domain INTEGER NOT NULL,
  kind TEXT NOT NULL,
  due REAL NOT NULL,
  detail TEXT NOT NULL
);
