-- Members by tier, what they were granted, and the row that says whether the job runs.
CREATE TABLE tiers (tier text PRIMARY KEY, points int NOT NULL);
INSERT INTO tiers VALUES ('basic', 0), ('gold', 1000);
CREATE TABLE members (
  id      int PRIMARY KEY,
  tier    text NOT NULL REFERENCES tiers,
  balance int  NOT NULL
);
INSERT INTO members
  SELECT n, CASE WHEN n % 5 = 0 THEN 'gold' ELSE 'basic' END, 10 * n
  FROM generate_series(1, 17) AS n;
CREATE TABLE ledger (
  id     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  member int  NOT NULL REFERENCES members,
  day    date NOT NULL,
  points int  NOT NULL
);
CREATE TABLE job_state (job text PRIMARY KEY, running boolean NOT NULL, done_on date);
INSERT INTO job_state VALUES ('points', false, '2026-11-21');
