#!/bin/bash
# Nightly job: makes the report of a day anew, in one transaction: what was there goes, and all of it
# comes again. It takes no lock of its own; two runs meet at the table.
set -euo pipefail
day=${1:?usage: report.sh DAY}

statements() {
  local shop
  printf '%s\n' "BEGIN;" "LOCK TABLE report IN SHARE ROW EXCLUSIVE MODE;" \
    "DELETE FROM report WHERE day = '$day';"
  for shop in {1..20}; do
    printf '%s\n' "SELECT count(*) AS sold, coalesce(sum(cents), 0) AS cents FROM sales" \
      "  WHERE shop = $shop AND day = '$day' \gset" "SELECT :sold > 0 AS has_sold, name FROM shops" \
      "  WHERE shop = $shop \gset" "\if :has_sold" \
      "INSERT INTO report VALUES ('$day', :'name', :sold, :cents);" "\endif"
  done
  printf '%s\n' "COMMIT;"
}

statements | psql -X -q -v ON_ERROR_STOP=1 -o /dev/null
