-- Members by tier with what they were granted; accounts with the transfers between them.
CREATE TABLE tiers (tier bigint PRIMARY KEY, points bigint NOT NULL);
INSERT INTO tiers VALUES (1, 0), (2, 1000);
CREATE TABLE members (
  id        bigint PRIMARY KEY,
  tier      bigint NOT NULL REFERENCES tiers,
  opening   bigint NOT NULL,
  balance   bigint NOT NULL,
  closed_on date
);
INSERT INTO members
  SELECT n, CASE WHEN n % 5 = 0 THEN 2 ELSE 1 END, 10 * n, 10 * n FROM generate_series(1, 19) AS n;
CREATE TABLE ledger (member bigint NOT NULL REFERENCES members, day date NOT NULL, PRIMARY KEY (member, day));
CREATE TABLE job_state (job text PRIMARY KEY, done_on date);
INSERT INTO job_state VALUES ('grant', '2026-11-21');
CREATE TABLE accounts (id bigint PRIMARY KEY, balance bigint NOT NULL);
INSERT INTO accounts SELECT n, 5000 FROM generate_series(1, 16) AS n;
CREATE TABLE transfers (
  id    bigint PRIMARY KEY,
  giver bigint NOT NULL REFERENCES accounts,
  taker bigint NOT NULL REFERENCES accounts,
  cents bigint NOT NULL,
  done  boolean NOT NULL DEFAULT false
);
-- Of four transfers between the same two accounts two go either way.
INSERT INTO transfers
  SELECT n, CASE WHEN n % 2 = 0 THEN pair ELSE pair + 8 END, CASE WHEN n % 2 = 0 THEN pair + 8 ELSE pair END, n
  FROM (SELECT n, 1 + n / 2 % 8 AS pair FROM generate_series(1, 32) AS n) AS numbered;
