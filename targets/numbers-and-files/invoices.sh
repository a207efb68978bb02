#!/bin/bash
# Nightly job: numbers the orders without a gap, then writes the day's invoices to a file.
# WAY=append draws a number, then gives it to the order, and appends to the file; WAY=whole does the
# former in one transaction, which holds the counter, and puts a new file in the place of the old.
set -euo pipefail
day=${1:?usage: invoices.sh DAY}

numbers() {
  local id
  if [ "$WAY" = whole ]; then printf '%s\n' "BEGIN;" "SELECT next FROM counter FOR UPDATE;"; fi
  for id in {1..28}; do
    printf '%s\n' "SELECT billable AND invoice IS NULL AS due FROM orders WHERE id = $id \gset" \
      "\if :due" "SELECT next FROM counter \gset" "UPDATE counter SET next = :next + 1;" \
      "UPDATE orders SET invoice = :next WHERE id = $id;" "\endif"
  done
  if [ "$WAY" = whole ]; then printf '%s\n' "COMMIT;"; fi
}

query() { psql -X -q -A -t -v ON_ERROR_STOP=1 -c "$1"; }

numbers | psql -X -q -v ON_ERROR_STOP=1 -o /dev/null
if [ "$(query "SELECT count(*) FROM written WHERE day = '$day'")" = 0 ]; then
  lines=$(query "SELECT invoice, id, cents FROM orders WHERE billable ORDER BY invoice")
  case $WAY in
    append) echo "$lines" >>/shared/invoices ;;
    whole)
      new=$(mktemp /shared/new.XXXXXX)
      echo "$lines" >"$new"
      mv "$new" /shared/invoices
      ;;
  esac
  query "INSERT INTO written VALUES ('$day') ON CONFLICT DO NOTHING"
fi
