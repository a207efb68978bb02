-- Shops and their sales, and the report that is made of them.
CREATE TABLE shops (shop int PRIMARY KEY, name text NOT NULL);
INSERT INTO shops SELECT n, 'shop ' || n FROM generate_series(1, 20) AS n;
CREATE TABLE sales (shop int NOT NULL REFERENCES shops, day date NOT NULL, cents int NOT NULL);
INSERT INTO sales
  SELECT 1 + n % 3, DATE '2026-11-22', 100 + n FROM generate_series(1, 40) AS n;
CREATE TABLE report (day date NOT NULL, shop text NOT NULL, sold int NOT NULL, cents int NOT NULL);
INSERT INTO report VALUES ('2026-11-21', 'shop 1', 3, 900);
