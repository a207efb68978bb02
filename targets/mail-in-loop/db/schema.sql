-- Members by plan, and the mails that are to be sent.
CREATE TABLE plans (plan text PRIMARY KEY, fee int NOT NULL);
INSERT INTO plans VALUES ('free', 0), ('full', 9);
CREATE TABLE members (
  id      int PRIMARY KEY,
  plan    text NOT NULL REFERENCES plans,
  address text NOT NULL,
  balance int  NOT NULL
);
INSERT INTO members
  SELECT n, CASE WHEN n % 5 = 0 THEN 'full' ELSE 'free' END, 'm' || n || '@x.test', 100
  FROM generate_series(1, 12) AS n;
CREATE TABLE outbox (
  member int  PRIMARY KEY REFERENCES members,
  month  text NOT NULL,
  sent   boolean NOT NULL DEFAULT false
);
CREATE TABLE job_state (job text PRIMARY KEY, done_for text NOT NULL);
INSERT INTO job_state VALUES ('fees', '2026-10');
