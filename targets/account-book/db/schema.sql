-- One account, what was posted to it, members who get points, and a log of runs.
CREATE TABLE account (
  id        bigint PRIMARY KEY,
  balance   bigint NOT NULL,
  last_slot bigint
);
CREATE TABLE postings (
  id   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  slot bigint NOT NULL
);
CREATE TABLE members (
  id      bigint PRIMARY KEY,
  balance bigint  NOT NULL,
  granted boolean NOT NULL DEFAULT false
);
CREATE TABLE job_runs (
  id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  host       text        NOT NULL,
  started_at timestamptz NOT NULL
);
INSERT INTO account (id, balance) VALUES (1, 500);
INSERT INTO members (id, balance) SELECT n, 100 FROM generate_series(1, 8) AS n;
