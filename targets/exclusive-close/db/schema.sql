-- Accounts by kind, and the periods of the book.
CREATE TABLE kinds (kind text PRIMARY KEY, rate int NOT NULL);
INSERT INTO kinds VALUES ('current', 0), ('savings', 10);
CREATE TABLE accounts (id int PRIMARY KEY, kind text NOT NULL REFERENCES kinds, balance int NOT NULL);
INSERT INTO accounts
  SELECT n, CASE WHEN n % 6 = 0 THEN 'savings' ELSE 'current' END, 1000 * n
  FROM generate_series(1, 18) AS n;
CREATE TABLE periods (number int PRIMARY KEY, open boolean NOT NULL);
INSERT INTO periods VALUES (1, true);
