-- Orders of a day, and what was booked.
CREATE TABLE orders (id int PRIMARY KEY, cents int NOT NULL);
INSERT INTO orders SELECT n, 100 + 7 * n FROM generate_series(1, 36) AS n;
CREATE TABLE takings (
  id    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  day   date NOT NULL,
  cents int  NOT NULL
);
CREATE TABLE sums (month date PRIMARY KEY, cents int NOT NULL);
INSERT INTO sums VALUES ('2026-11-01', 50000);
