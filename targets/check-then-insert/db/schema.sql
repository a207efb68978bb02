-- Partners, what they sold, and what they were paid. NULL is no key: it is never taken.
CREATE TABLE partners (id int PRIMARY KEY, rate int NOT NULL);
INSERT INTO partners SELECT n, CASE WHEN n % 5 = 0 THEN 20 ELSE 0 END FROM generate_series(1, 14) AS n;
CREATE TABLE sales (partner int NOT NULL REFERENCES partners, cents int NOT NULL);
INSERT INTO sales SELECT n, 100 * m FROM generate_series(1, 14) AS n, generate_series(1, 3) AS m;
CREATE TABLE payouts (
  id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  partner int NOT NULL REFERENCES partners,
  cents   int NOT NULL,
  key     text UNIQUE
);
