#!/bin/bash
# Month-end job: charges a fee to the accounts that owe one, in batches, under a lock of its psql
# session. CHECKPOINT=end notes at the end that the month is done; CHECKPOINT=batch notes in each
# batch's transaction how far the month has come.
set -euo pipefail
accounts=16 batch=4

statements() {
  local first id
  printf '%s\n' "SELECT pg_advisory_lock(1122);"
  for ((first = 1; first <= accounts; first += batch)); do
    printf '%s\n' "BEGIN;" "SELECT done_to < $first AS due FROM progress \gset" "\if :due"
    for ((id = first; id < first + batch; id++)); do
      printf '%s\n' "SELECT plan FROM accounts WHERE id = $id \gset" \
        "SELECT fee, fee > 0 AS owed FROM plans WHERE plan = :'plan' \gset" \
        "\if :owed" "UPDATE accounts SET balance = balance - :fee WHERE id = $id;" "\endif"
    done
    if [ "$CHECKPOINT" = batch ]; then
      printf '%s\n' "UPDATE progress SET done_to = $((first + batch - 1));"
    fi
    printf '%s\n' "\endif" "COMMIT;"
  done
  printf '%s\n' "UPDATE progress SET done_to = $accounts;"
}

statements | psql -X -q -v ON_ERROR_STOP=1 -o /dev/null
