#!/bin/bash
# Nightly job: grants the points that a file lists, in one psql session and one transaction.
# GUARD=advisory keeps other runs out; GUARD=none only looks at the mark of the last run.
set -euo pipefail
day=${1:?usage: points.sh DAY FILE}
file=${2:?usage: points.sh DAY FILE}

statements() {
  printf '%s\n' "BEGIN;"
  [ "$GUARD" = none ] || printf '%s\n' "SELECT pg_advisory_xact_lock(1122);" # lock
  printf '%s\n' "SELECT done_on IS DISTINCT FROM DATE '$day' AS due FROM job_state" \
    "WHERE job = 'points' \gset" "\if :due"
  while IFS=, read -r id points; do
    printf '%s\n' "UPDATE members SET balance = balance + $points WHERE id = $id;" \
      "INSERT INTO ledger (member_id, day, points) VALUES ($id, '$day', $points);"
  done <"$file"
  printf '%s\n' "UPDATE job_state SET done_on = '$day' WHERE job = 'points';" "\endif" "COMMIT;"
}

statements | psql -X -q -v ON_ERROR_STOP=1 -o /dev/null
