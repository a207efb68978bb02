#!/bin/bash
# Job of every slot: bills the meters' use of one slot to their accounts, in one psql session.
# GUARD=mark looks whether the slot is billed, and writes back balances that it read; GUARD=ledger
# adds in the transaction in which a ledger, whose key is account and slot, takes the line.
set -euo pipefail
slot=${1:?usage: meter.sh SLOT}

bill() {
  case $GUARD in
    mark)
      printf '%s\n' "SELECT balance FROM accounts WHERE id = $1 \gset" \
        "UPDATE accounts SET balance = :balance + :units WHERE id = $1;" \
        "INSERT INTO ledger (account, slot) VALUES ($1, $slot);"
      ;;
    ledger)
      printf '%s\n' "WITH line AS (INSERT INTO ledger (account, slot) VALUES ($1, $slot)" \
        "  ON CONFLICT DO NOTHING RETURNING account)" \
        "UPDATE accounts SET balance = balance + :units FROM line WHERE id = account;"
      ;;
  esac
}

statements() {
  local id
  printf '%s\n' "SELECT count(*) = 0 AS due FROM slots WHERE slot = $slot \gset" "\if :due"
  for id in {1..18}; do
    printf '%s\n' "SELECT tariff FROM accounts WHERE id = $id \gset" \
      "SELECT units, units > 0 AS used FROM tariffs WHERE tariff = :'tariff' \gset" "\if :used"
    bill "$id"
    printf '%s\n' "\endif"
  done
  printf '%s\n' "INSERT INTO slots VALUES ($slot) ON CONFLICT DO NOTHING;" "\endif"
}

statements | psql -X -q -v ON_ERROR_STOP=1 -o /dev/null
