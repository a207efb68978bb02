-- Accounts by plan, and how far the month's fees have come.
CREATE TABLE plans (plan text PRIMARY KEY, fee int NOT NULL);
INSERT INTO plans VALUES ('free', 0), ('full', 9);
CREATE TABLE accounts (
  id      int PRIMARY KEY,
  plan    text NOT NULL REFERENCES plans,
  balance int  NOT NULL
);
INSERT INTO accounts
  SELECT n, CASE WHEN n % 4 = 0 THEN 'full' ELSE 'free' END, 100
  FROM generate_series(1, 16) AS n;
CREATE TABLE progress (job text PRIMARY KEY, done_to int NOT NULL);
INSERT INTO progress VALUES ('fees', 0);
