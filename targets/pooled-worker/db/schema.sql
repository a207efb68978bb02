-- Accounts, messages about them, and which of these were handled.
CREATE TABLE accounts (id int PRIMARY KEY, open boolean NOT NULL, balance int NOT NULL);
INSERT INTO accounts VALUES (1, true, 0), (2, false, 70), (3, true, 5);
CREATE TABLE messages (id int PRIMARY KEY, account int NOT NULL REFERENCES accounts, cents int NOT NULL);
INSERT INTO messages SELECT n, 1 + n % 3, 25 * n FROM generate_series(1, 8) AS n;
CREATE TABLE handled (message int PRIMARY KEY REFERENCES messages);
