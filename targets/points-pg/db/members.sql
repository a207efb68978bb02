INSERT INTO members (id, name, eligible, balance) VALUES
  (1, 'aiko',  true,   500),
  (2, 'ben',   true,  1200),
  (3, 'chris', false,   80),
  (4, 'dana',  true,     0),
  (5, 'emre',  true,  3100),
  (6, 'fumi',  true,   940),
  (7, 'gita',  true,    15),
  (8, 'hugo',  true,   700);
INSERT INTO job_state (job, done_on) VALUES ('points', '2026-11-21');
