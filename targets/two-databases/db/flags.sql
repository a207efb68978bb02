-- How far each job has come; the same table stands in both databases.
CREATE TABLE job_state (job text PRIMARY KEY, done_on date);
INSERT INTO job_state VALUES ('settle', '2026-11-21');
