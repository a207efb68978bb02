#!/bin/bash
# Job that may run any number of times, but never beside itself: each run moves on by one period. It
# keeps no mark, so what it owes is that runs exclude each other.
set -euo pipefail

statements() {
  local account
  printf '%s\n' "BEGIN;" "SELECT pg_advisory_xact_lock(1122);" \
    "SELECT number AS period FROM periods WHERE open \gset"
  for account in {1..18}; do
    printf '%s\n' "SELECT balance, kind FROM accounts WHERE id = $account \gset" \
      "SELECT rate, rate > 0 AS bears FROM kinds WHERE kind = :'kind' \gset" "\if :bears" \
      "UPDATE accounts SET balance = :balance + :balance * :rate / 100 WHERE id = $account;" "\endif"
  done
  printf '%s\n' "UPDATE periods SET open = false WHERE number = :period;" \
    "INSERT INTO periods VALUES (:period + 1, true);" "COMMIT;"
}

statements | psql -X -q -v ON_ERROR_STOP=1 -o /dev/null
