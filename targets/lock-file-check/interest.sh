#!/bin/bash
# Month-end job: pays interest to the accounts that bear it, once a month, in one psql session.
# GUARD=check looks for a lock file, then makes it; GUARD=flock locks a file that stays.
set -euo pipefail
month=${1:?usage: interest.sh MONTH}
lock=/shared/interest.lock

case $GUARD in
  check)
    if [ -e "$lock" ]; then exit 0; fi
    touch "$lock"
    trap 'rm -f "$lock"' EXIT
    ;;
  flock)
    exec 9>>"$lock"
    flock 9
    ;;
esac

statements() {
  local id
  printf '%s\n' "BEGIN;" \
    "SELECT paid_for IS DISTINCT FROM DATE '$month' AS due FROM job_state \gset" "\if :due"
  for id in {1..16}; do
    printf '%s\n' "SELECT kind, balance FROM accounts WHERE id = $id \gset" \
      "SELECT percent, percent > 0 AS bears FROM rates WHERE kind = :'kind' \gset" "\if :bears" \
      "UPDATE accounts SET balance = balance + :balance * :percent / 100 WHERE id = $id;" \
      "INSERT INTO interest (account, month) VALUES ($id, '$month');" "\endif"
  done
  printf '%s\n' "UPDATE job_state SET paid_for = '$month';" "\endif" "COMMIT;"
}

statements | psql -X -q -v ON_ERROR_STOP=1 -o /dev/null
