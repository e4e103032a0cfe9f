-- Version 5: named documents of all kinds, such as layouts. A statement ends with the semicolon
-- that ends its line.

CREATE TABLE documents (
  domain INTEGER NOT NULL,
  kind TEXT NOT NULL,
  name TEXT NOT NULL,
  body TEXT NOT NULL,
  created REAL NOT NULL,
  updated REAL NOT NULL,
  PRIMARY KEY (domain, kind, name)
);
