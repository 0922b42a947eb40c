#!/bin/sh
# Runs each test program and adds up their last lines. Programs of this machine's own sanitizers stop at the first
# finding, so that one counts as a failure like any other.
passed=0
failed=0
for program in "$@"; do
  echo "== $program"
  log=$(mktemp)
  timeout 300 $program >"$log" 2>&1
  status=$?
  grep -v '^passed ' "$log"
  last=$(tail -n 1 "$log" | sed -n 's/^\([0-9]*\) passed, \([0-9]*\) failed$/\1 \2/p')
  rm -f "$log"
  set -- ${last:-0 1}
  [ "$status" -ne 0 ] && [ "$2" -eq 0 ] && set -- "$1" 1
  passed=$((passed + $1))
  failed=$((failed + $2))
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
