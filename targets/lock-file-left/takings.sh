#!/bin/bash
# Nightly job: adds up the orders of a day, and books the sum, once, in one psql session.
# GUARD=create makes a lock file in one step, and removes it at the end; GUARD=flock locks a file
# that stays.
set -euo pipefail
day=${1:?usage: takings.sh DAY}
lock=/shared/takings.lock

case $GUARD in
  create)
    if ! (set -C && echo "$day" >"$lock") 2>/dev/null; then exit 0; fi
    trap 'rm -f "$lock"' EXIT
    ;;
  flock)
    exec 9>>"$lock"
    flock 9
    ;;
esac

statements() {
  local id
  printf '%s\n' "SELECT count(*) = 0 AS due FROM takings WHERE day = '$day' \gset" "\if :due" \
    "BEGIN;" "\set total 0"
  for id in {1..36}; do
    printf '%s\n' "SELECT cents, :total + cents AS total FROM orders WHERE id = $id \gset"
  done
  printf '%s\n' "INSERT INTO takings (day, cents) VALUES ('$day', :total);" \
    "UPDATE sums SET cents = cents + :total WHERE month = date_trunc('month', DATE '$day');" \
    "COMMIT;" "\endif"
}

statements | psql -X -q -v ON_ERROR_STOP=1 -o /dev/null
