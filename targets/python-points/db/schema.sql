-- Members, what they were granted, and how far each job has come.
CREATE TABLE members (
  id       bigint PRIMARY KEY,
  name     text    NOT NULL,
  eligible boolean NOT NULL,
  balance  bigint  NOT NULL
);
CREATE TABLE ledger (
  id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  member_id bigint NOT NULL REFERENCES members (id),
  day       date   NOT NULL,
  points    bigint NOT NULL
);
CREATE TABLE job_state (
  job     text PRIMARY KEY,
  done_on date
);
