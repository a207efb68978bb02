-- Subscriptions, what was charged, and the row that the job locks.
CREATE TABLE plans (plan text PRIMARY KEY, cents int NOT NULL);
INSERT INTO plans VALUES ('one', 100), ('all', 900);
CREATE TABLE subscriptions (id int PRIMARY KEY, plan text NOT NULL REFERENCES plans, ends_on date NOT NULL);
INSERT INTO subscriptions
  SELECT n, CASE WHEN n % 2 = 0 THEN 'one' ELSE 'all' END,
    CASE WHEN n % 5 = 0 THEN DATE '2026-11-22' ELSE DATE '2026-12-10' END
  FROM generate_series(1, 13) AS n;
CREATE TABLE charges (
  id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  subscription int NOT NULL REFERENCES subscriptions,
  cents        int NOT NULL
);
CREATE TABLE job_state (job text PRIMARY KEY, done_on date);
INSERT INTO job_state VALUES ('renew', '2026-11-21');
