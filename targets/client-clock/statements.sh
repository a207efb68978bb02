#!/bin/bash
# Nightly job: adds up the lines of a day's statements, and books the sum, once, under a lease in a
# row of the database. CLOCK=host: each host writes and judges the lease by its own local time;
# CLOCK=database: the database's time, and the work's transaction refuses a lease that was lost.
set -euo pipefail
day=${1:?usage: statements.sh DAY}
tries_max=8

query() { psql -X -q -A -t -v ON_ERROR_STOP=1 -c "$1"; }

# Takes the lease if it has run out; prints the holder's name, or nothing.
claim() {
  local now=localtimestamp
  if [ "$CLOCK" = host ]; then now="timestamp '$(date '+%F %T.%N')'"; fi
  query "UPDATE lease SET holder = gen_random_uuid(), ends = $now + interval '0.4 s'
    WHERE ends < $now RETURNING holder"
}

statements() {
  local id fence="true"
  if [ "$CLOCK" = database ]; then fence="holder = '$me'"; fi
  printf '%s\n' "\set total 0"
  for id in {1..36}; do
    printf '%s\n' "SELECT :total + cents AS total FROM lines WHERE id = $id \gset"
  done
  printf '%s\n' "BEGIN;" "SELECT $fence AS held FROM lease FOR SHARE \gset" \
    "SELECT count(*) = 0 AS due FROM closings WHERE day = '$day' \gset" "\if :held" "\if :due" \
    "INSERT INTO closings (day, cents) VALUES ('$day', :total);" \
    "UPDATE books SET cents = cents + :total;" "\endif" "\endif" "COMMIT;" \
    "UPDATE lease SET holder = NULL, ends = '-infinity' WHERE holder = '$me';"
}

me=$(claim)
for ((tries = 1; tries < tries_max; tries++)); do
  if [ -n "$me" ]; then break; fi
  sleep 0.5
  me=$(claim)
done
if [ -z "$me" ]; then
  echo "another run has the lease" >&2
  exit 75
fi
statements | psql -X -q -v ON_ERROR_STOP=1 -o /dev/null
