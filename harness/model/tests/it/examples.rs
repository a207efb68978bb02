//! Sound files, as people write them.

pub(crate) const TARGET: &str = r##"#:schema ../target.v1.json
# Nightly job: 1,000 points for every eligible member.
schema  = 1
command = ["python3", "points.py"]            # the unmodified job
args    = ["--date", "2026-11-22", "--part", "{instance}/{count}"]
env     = { TZ = "Asia/Tokyo", DATABASE_URL = "postgresql://app@db/app", LOCK_TTL_MS = "3000" }
workdir = "app"                               # local backend
image   = "points:1.42"                       # docker backend
timeout = "1m 30s"
grace   = "500ms"
reuse   = false
secrets = ["DATABASE_URL"]

[service]
mail   = { kind = "smtp" }                    # a sink inside the harness
shared = { kind = "files", options = { path = "/data" }, seed = ["data/"] }

[service.pg]
kind    = "postgres"
host    = "db"                                # what the job connects to: db:5432
image   = "postgres:17"
seed    = ["db/schema.sql", "../shared/./members.sql"]
options = { database = "app", user = "app", bin = "pg/bin", connections = 20, fsync = true }

[state.pg]
tables    = ["members", "point_ledger"]
mask      = ["*.updated_at"]
surrogate = ["point_ledger.id"]
per_run   = ["run_log"]

[lock.points]
service = "pg"
acquire = "SELECT pg_try_advisory_lock*"
release = "SELECT pg_advisory_unlock*"
"##;

pub(crate) const TARGET_LEAST: &str = "schema = 1\ncommand = [\"./job\"]\n";

pub(crate) const SCENARIO: &str = r##"#:schema ../scenario.v1.json
schema   = 1
title    = "started twice, killed anywhere"
teaches  = "A lock that is not taken holds nobody."
target   = "points-grant"
args     = ["--date", "2026-11-23"]
env      = { LOCK_TTL_MS = "9000" }
tags     = ["gate", "lease"]
contract = "exclusion"
expect   = "violation"
trigger  = { kind = "double-start", instances = 3 }
search   = { stages = ["serial", "sample"], samples = 500, budget = "2m", seed = 7 }

[[fault]]                                     # one table each
kind  = "pause"
who   = "job#1"
at    = 'job#1 pg "SELECT id, balance" 1 replied'
for   = "4s"                                  # longer than the lease

[[fault]]
kind  = "kill"
who   = "job#3"
at    = 'job#3 pg "COMMIT" 1 held'
until = "job#2 exit"
times = 2
scope = "process"

[[check]]
kind  = "exit"
codes = [0, 3]

[[check]]
kind = "state"
off  = true

[[check]]
kind    = "invariant"
name    = "balance equals ledger"
service = "pg"
expect  = "rows"
sql     = '''
select id from members
where balance > 0'''

[[check]]
kind    = "transition"
service = "pg"
column  = "orders.status"
allow   = [["paid", "packed"], ["packed", "shipped"]]

[[check]]
kind = "mutual-exclusion"
lock = "points"
"##;

pub(crate) const SCENARIO_LEAST: &str = "schema = 1\ntitle = \"t\"\ntarget = \"points-grant\"\n";
