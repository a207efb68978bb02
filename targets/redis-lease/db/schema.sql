-- Shares, what was booked, and the token of the last holder that wrote.
CREATE TABLE shares (id int PRIMARY KEY, cents int NOT NULL);
INSERT INTO shares SELECT n, 13 * n FROM generate_series(1, 34) AS n;
CREATE TABLE books (book text PRIMARY KEY, cents int NOT NULL);
INSERT INTO books VALUES ('shares', 0);
CREATE TABLE job_state (job text PRIMARY KEY, fence bigint NOT NULL, done_on date);
INSERT INTO job_state VALUES ('shares', 0, '2026-11-21');
