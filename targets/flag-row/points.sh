#!/bin/bash
# Nightly job: grants points to members by their tier, once a day, in one psql session.
# GUARD=flag looks at a flag in a row, then sets it, and clears it at the end; GUARD=transaction
# locks that row and keeps it locked: claim, work and mark are one transaction.
set -euo pipefail
day=${1:?usage: points.sh DAY}

claim() {
  case $GUARD in
    flag)
      printf '%s\n' "SELECT NOT running AS free FROM job_state \gset" "\if :free" \
        "UPDATE job_state SET running = true;"
      ;;
    transaction)
      printf '%s\n' "BEGIN;" "SELECT true AS free FROM job_state FOR UPDATE \gset" "\if :free"
      ;;
  esac
}

work() {
  local id
  printf '%s\n' "SELECT done_on IS DISTINCT FROM DATE '$day' AS due FROM job_state \gset" "\if :due"
  for id in {1..17}; do
    printf '%s\n' "SELECT tier, balance FROM members WHERE id = $id \gset" \
      "SELECT points, points > 0 AS granted FROM tiers WHERE tier = :'tier' \gset" \
      "\if :granted" "UPDATE members SET balance = :balance + :points WHERE id = $id;" \
      "INSERT INTO ledger (member, day, points) VALUES ($id, '$day', :points);" "\endif"
  done
  printf '%s\n' "UPDATE job_state SET done_on = '$day';" "\endif"
}

release() {
  case $GUARD in
    flag) printf '%s\n' "UPDATE job_state SET running = false;" "\endif" ;;
    transaction) printf '%s\n' "\endif" "COMMIT;" ;;
  esac
}

{ claim && work && release; } | psql -X -q -v ON_ERROR_STOP=1 -o /dev/null
