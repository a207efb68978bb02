-- Orders, the counter of invoices, and which days were written.
CREATE TABLE orders (id int PRIMARY KEY, cents int NOT NULL, billable boolean NOT NULL, invoice int);
INSERT INTO orders SELECT n, 250 * n, n % 7 = 0, NULL FROM generate_series(1, 28) AS n;
CREATE TABLE counter (name text PRIMARY KEY, next int NOT NULL);
INSERT INTO counter VALUES ('invoices', 701);
CREATE TABLE written (day date PRIMARY KEY);
