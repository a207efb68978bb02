-- Accounts, what a slot adds to them, and which slots were billed.
CREATE TABLE tariffs (tariff text PRIMARY KEY, units int NOT NULL);
INSERT INTO tariffs VALUES ('empty', 0), ('lit', 7);
CREATE TABLE accounts (
  id      int PRIMARY KEY,
  tariff  text NOT NULL REFERENCES tariffs,
  balance int  NOT NULL
);
INSERT INTO accounts
  SELECT n, CASE WHEN n % 5 = 0 THEN 'lit' ELSE 'empty' END, 100
  FROM generate_series(1, 18) AS n;
CREATE TABLE ledger (
  account int NOT NULL REFERENCES accounts,
  slot    int NOT NULL,
  PRIMARY KEY (account, slot)
);
CREATE TABLE slots (slot int PRIMARY KEY);
