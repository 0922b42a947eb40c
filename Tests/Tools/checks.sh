# checks.sh, sourced by Tests/Packaging/run and Tests/Systemd/run: named checks, each a command, and one sum of them.
# T=TEXT runs only the checks with TEXT in their names, so a check must not need another one to have run.
passed=0 failed=0

# check NAME COMMAND...: prints the output of a command that did not exit with status 0.
check() {
  local name=$1 output text=${T:-}
  shift
  [[ ${name,,} == *"${text,,}"* ]] || return 0
  if output=$("$@" 2>&1); then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
    printf '%s:\n%s\n' "$name" "$output"
  fi
}

# close: prints the sum; fails on a failed check, and when no check ran.
close() {
  [ $((passed + failed)) -gt 0 ] || echo "no check has '${T:-}' in its name"
  echo "$passed passed, $failed failed"
  [ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
}
