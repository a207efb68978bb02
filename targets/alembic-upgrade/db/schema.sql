-- The database as revision 0001 leaves it.
CREATE TABLE members (
  id       bigint PRIMARY KEY,
  name     text   NOT NULL,
  balance  bigint NOT NULL
);
CREATE TABLE ledger (
  id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  member_id bigint NOT NULL REFERENCES members (id),
  reason    text   NOT NULL,
  points    bigint NOT NULL
);
CREATE TABLE alembic_version (
  version_num varchar(32) NOT NULL CONSTRAINT alembic_version_pkc PRIMARY KEY
);
INSERT INTO alembic_version (version_num) VALUES ('0001');
INSERT INTO members (id, name, balance) VALUES
  (1, 'aiko', 500), (2, 'ben', 1200), (3, 'chris', 80), (4, 'dana', 0),
  (5, 'emre', 3100), (6, 'fumi', 940), (7, 'gita', 15), (8, 'hugo', 700);
