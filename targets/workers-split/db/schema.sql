-- Accounts, and tasks that add to them.
CREATE TABLE accounts (
  id      int PRIMARY KEY,
  active  boolean NOT NULL,
  ceiling int NOT NULL,
  balance int NOT NULL
);
INSERT INTO accounts SELECT n, true, 1000, 0 FROM generate_series(1, 3) AS n;
CREATE TABLE holds (account int NOT NULL REFERENCES accounts, cents int NOT NULL);
CREATE TABLE fees (above int PRIMARY KEY, cents int NOT NULL);
INSERT INTO fees VALUES (0, 0), (100, 1);
CREATE TABLE tasks (
  id      int PRIMARY KEY,
  account int NOT NULL REFERENCES accounts,
  cents   int NOT NULL,
  done    boolean NOT NULL
);
INSERT INTO tasks SELECT n, 1 + n % 3, 10 * n, false FROM generate_series(1, 3) AS n;
