-- What the demo begins with: three members, two of them eligible. `points-job --init` makes the file from it.
CREATE TABLE members (
  id         INTEGER PRIMARY KEY,
  mail       TEXT    NOT NULL,
  eligible   INTEGER NOT NULL,
  balance    INTEGER NOT NULL,
  granted_on TEXT
);
CREATE TABLE ledger (
  member_id INTEGER NOT NULL REFERENCES members (id),
  day       TEXT    NOT NULL,
  points    INTEGER NOT NULL,
  mailed    INTEGER NOT NULL
);
INSERT INTO members (id, mail, eligible, balance) VALUES
  (1, 'aiko@example.test',  1,  500),
  (2, 'ben@example.test',   1, 1200),
  (3, 'chris@example.test', 0,   80);
