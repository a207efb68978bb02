-- Merchants, and payments to them.
CREATE TABLE merchants (id int PRIMARY KEY, open boolean NOT NULL, balance int NOT NULL);
INSERT INTO merchants VALUES (1, true, 0), (2, false, 100), (3, false, 300), (4, false, 20);
CREATE TABLE payments (id int PRIMARY KEY, merchant int NOT NULL REFERENCES merchants, cents int NOT NULL);
INSERT INTO payments
  SELECT n, CASE WHEN n % 6 = 0 THEN 1 ELSE 2 + n % 3 END, 50 * n FROM generate_series(1, 18) AS n;
