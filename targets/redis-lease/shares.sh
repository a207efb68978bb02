#!/bin/bash
# Nightly job: adds up the shares of a day in PostgreSQL, once, under a lease in Redis.
# LOCK=setnx takes the lease in two commands, LOCK=set in one; FENCE=none trusts the lease,
# FENCE=token has the work's transaction refuse whoever comes behind a later holder.
# The lease lasts LEASE_MS; a run that does not get it asks TRIES times.
# RELEASE=own gives the lease back if it is still ours, RELEASE=any clears it on every way out.
set -euo pipefail
day=${1:?usage: shares.sh DAY}
me=$(cat /proc/sys/kernel/random/uuid)

cache() { redis-cli -h cache "$@"; }

# Prints the holder's token, a number that grows with each holder; or nothing.
claim() {
  case $LOCK in
    setnx)
      if [ "$(cache SETNX lock:shares "$me")" = 1 ]; then
        cache PEXPIRE lock:shares "$LEASE_MS" >/dev/null
        cache INCR token:shares
      fi
      ;;
    set)
      cache EVAL "if redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2]) then
        return redis.call('INCR', KEYS[2]) end" 2 lock:shares token:shares "$me" "$LEASE_MS"
      ;;
  esac
}

release() {
  case $RELEASE in
    own)
      cache EVAL "if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end" \
        1 lock:shares "$me" >/dev/null
      ;;
    any) cache DEL lock:shares >/dev/null ;;
  esac
}

statements() {
  local id fence="true"
  if [ "$FENCE" = token ]; then fence="fence = $token"; fi
  printf '%s\n' "\set total 0"
  for id in {1..34}; do
    printf '%s\n' "SELECT :total + cents AS total FROM shares WHERE id = $id \gset"
  done
  printf '%s\n' "BEGIN;"
  if [ "$FENCE" = token ]; then
    printf '%s\n' "UPDATE job_state SET fence = $token WHERE fence < $token;"
  fi
  printf '%s\n' "SELECT $fence AND done_on IS DISTINCT FROM DATE '$day' AS due FROM job_state \gset" \
    "\if :due" "UPDATE books SET cents = cents + :total;" "UPDATE job_state SET done_on = '$day';" \
    "\endif" "COMMIT;"
}

trap release EXIT
token=$(claim)
for ((tries = 1; tries < TRIES; tries++)); do
  if [ -n "$token" ]; then break; fi
  sleep 0.5
  token=$(claim)
done
if [ -z "$token" ]; then
  echo "another run has the lease" >&2
  exit 75
fi
statements | psql -X -q -v ON_ERROR_STOP=1 -o /dev/null
