CREATE TABLE members (id int PRIMARY KEY, address text NOT NULL, points int NOT NULL);
INSERT INTO members VALUES (1, 'ann@x.test', 0), (2, 'bob@x.test', 40);
CREATE TABLE outbox (
    member int NOT NULL REFERENCES members,
    day date NOT NULL,
    sent boolean NOT NULL,
    PRIMARY KEY (member, day)
);
CREATE TABLE job_state (job text PRIMARY KEY, done_on date);
INSERT INTO job_state VALUES ('points', NULL);
