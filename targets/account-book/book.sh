#!/bin/bash
# posting GUARD SLOT: posts the day's amount, unless it is posted. GUARD=none only looks; wait and
#   skip take a lock first, and skip leaves where another run has it; pid keeps a pid file.
# logged GUARD SLOT: the same, and first a row in the log of runs.
# share SPLIT INSTANCE COUNT: grants points to a worker's share of the members, by modulo or by
#   ranges, whose ends overlap.
set -euo pipefail
job=$1 how=$2

posting() {
  printf '%s\n' "BEGIN;"
  case $how in
    wait) printf '%s\n' "SELECT pg_advisory_xact_lock(7);" "\set got true" ;;
    skip) printf '%s\n' "SELECT pg_try_advisory_xact_lock(7) AS got \gset" ;;
    *) printf '%s\n' "\set got true" ;;
  esac
  printf '%s\n' "\if :got" \
    "SELECT count(*) = 0 AS due FROM postings WHERE slot = $1 \gset" "\if :due" \
    "SELECT balance FROM account WHERE id = 1 \gset" \
    "UPDATE account SET balance = :balance + 10, last_slot = $1 WHERE id = 1;" \
    "INSERT INTO postings (slot) VALUES ($1);" "\endif" "\endif" "COMMIT;"
}

logged() {
  printf '%s\n' "INSERT INTO job_runs (host, started_at) VALUES ('$(hostname)', now());"
  posting "$1"
}

share() {
  local which
  case $how in
    modulo) which="id % $2 = $1 - 1 AND NOT granted" ;;
    ranges) which="id BETWEEN 8 * ($1 - 1) / $2 AND 8 * $1 / $2" ;;
  esac
  printf '%s\n' "UPDATE members SET balance = balance + 10, granted = true WHERE $which;"
}

if [ "$how" = pid ]; then
  if ! (set -C && echo $$ >"$PIDFILE") 2>/dev/null; then
    if kill -0 "$(cat "$PIDFILE")" 2>/dev/null; then
      exit 0
    fi
    echo $$ >"$PIDFILE"
  fi
  trap 'rm -f "$PIDFILE"' EXIT
fi
"$job" "${@:3}" | psql -X -q -v ON_ERROR_STOP=1 -o /dev/null
