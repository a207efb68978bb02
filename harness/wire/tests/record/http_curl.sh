#!/bin/sh
# curl: one connection, then two of HTTP/1.0.
base=http://127.0.0.1:$HTTP_PORT
printf 'a body by pipe' | curl -sS -A curl --max-time 20 \
    -u ann:hunter2 "$base/member/17?key=hunter2" --next -A curl -sS \
    -I "$base/a" --next -A curl -sS \
    -H 'Expect: 100-continue' -d amount=5 "$base/charge" --next -A curl -sS \
    -T - "$base/a" --next -A curl -sS \
    -d x "$base/fail" --next -A curl -sS \
    "$base/chunked" --next -A curl -sS \
    "$base/close"
for path in b empty; do
    curl -sS -A curl --max-time 20 --http1.0 "$base/$path"
done
