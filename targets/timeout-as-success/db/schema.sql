-- Clerks, the scale of their bonuses, and how far the job has come.
CREATE TABLE scale (above int PRIMARY KEY, percent int NOT NULL);
INSERT INTO scale VALUES (0, 0), (500, 10);
CREATE TABLE clerks (id int PRIMARY KEY, sold int NOT NULL, bonus int NOT NULL);
INSERT INTO clerks
  SELECT n, CASE WHEN n % 5 = 0 THEN 700 + n ELSE 20 * n END, 0 FROM generate_series(1, 17) AS n;
CREATE TABLE job_state (job text PRIMARY KEY, done_on date);
INSERT INTO job_state VALUES ('bonus', '2026-11-21');
