-- Savings accounts, what each product pays, and the last day that was closed.
CREATE TABLE products (name text PRIMARY KEY, millis int NOT NULL);
INSERT INTO products VALUES ('plain', 0), ('bonus', 2), ('term', 5);
CREATE TABLE accounts (id int PRIMARY KEY, product text NOT NULL REFERENCES products, cents bigint NOT NULL);
INSERT INTO accounts
  SELECT n, CASE WHEN n % 9 = 0 THEN 'term' WHEN n = 4 THEN 'bonus' ELSE 'plain' END, 10000 * n
  FROM generate_series(1, 20) AS n;
CREATE TABLE closed_days (job text PRIMARY KEY, day date NOT NULL);
INSERT INTO closed_days VALUES ('interest', '2026-11-21');
