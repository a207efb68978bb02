#!/bin/sh
# Nightly job: adds a line of points for the day to a ledger, unless it is there. GUARD=check looks for a lock file, then
# makes it; GUARD=flock locks a file that is never removed.
set -eu
cd /shared
day=2026-11-22

grant() {
  grep -q "^$day " ledger || echo "$day 1000" >>ledger
}

case $GUARD in
check)
  if [ -e points.lock ]; then exit 0; fi
  : >points.lock
  grant
  rm points.lock
  ;;
flock)
  exec 9<job.lock
  flock 9
  grant
  ;;
esac
