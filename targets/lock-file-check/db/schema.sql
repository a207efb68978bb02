-- Accounts, what each kind of them bears, and which months were paid.
CREATE TABLE rates (kind text PRIMARY KEY, percent int NOT NULL);
INSERT INTO rates VALUES ('current', 0), ('savings', 3);
CREATE TABLE accounts (
  id      int PRIMARY KEY,
  kind    text NOT NULL REFERENCES rates,
  balance int  NOT NULL
);
INSERT INTO accounts
  SELECT n, CASE WHEN n % 5 = 0 THEN 'savings' ELSE 'current' END, 1000 * n
  FROM generate_series(1, 16) AS n;
CREATE TABLE interest (
  id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  account int  NOT NULL REFERENCES accounts,
  month   date NOT NULL
);
CREATE TABLE job_state (job text PRIMARY KEY, paid_for date);
INSERT INTO job_state VALUES ('interest', '2026-10-01');
