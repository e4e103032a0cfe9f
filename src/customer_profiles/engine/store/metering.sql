-- Profiles that count more than once, and the rules of search keys. A statement ends with the
-- semicolon that ends its line.

CREATE INDEX profiles_by_many_objects ON profiles (domain, objects) WHERE objects > 100;

-- The version of the rules by which search keys are normalized, see key_rules.py; no row is 1.
CREATE TABLE key_rules (
  version INTEGER NOT NULL
);
