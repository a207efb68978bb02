#!/bin/bash
# Nightly job: packs and ships the orders that are paid, in one psql session; a trigger logs every
# change. GUARD=none changes an order by its id; GUARD=status changes it only out of the status in
# which it was found.
set -euo pipefail

move() {
  local guard=""
  if [ "$GUARD" = status ]; then guard=" AND status = '$2'"; fi
  printf '%s\n' "UPDATE orders SET status = '$3' WHERE id = $1$guard;"
}

statements() {
  local id
  for id in {1..18}; do
    printf '%s\n' "SELECT item, status = 'paid' AS paid, status = 'packed' AS packed" \
      "  FROM orders WHERE id = $id \gset" "SELECT weight FROM items WHERE item = :'item' \gset" \
      "\if :paid"
    move "$id" paid packed
    printf '%s\n' "\set packed true" "\endif" "\if :packed"
    move "$id" packed shipped
    printf '%s\n' "\endif"
  done
}

statements | psql -X -q -v ON_ERROR_STOP=1 -o /dev/null
