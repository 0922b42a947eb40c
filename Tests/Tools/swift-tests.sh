# Sourced by Tests/Tools/step: the Swift tests, plain and under Swift's sanitizers.

# Every build under one sanitizer has the same arguments, or SwiftPM would compile all of it again. The address
# sanitizer's is also the build without static probes.
tsan=(--sanitize=thread -Xcc -DCUIO_SANITIZE_THREAD --scratch-path .build-tsan)
asan=(--sanitize=address -Xcc -DCUIO_WITHOUT_PROBES --scratch-path .build-asan)

# swift_tests ARGUMENT...: swift test, with its closing line in ours.
swift_tests() {
  # Later steps use the plain build's programs. Of the others, only what tests need is compiled again.
  local what=(--build-tests)
  [ $# -eq 0 ] || what=(--product InterruptSyncPackageTests)
  quietly $swift build "${what[@]}" "$@" || return 1
  limited $swift test --skip-build "$@" ${T:+--filter "$T"} 2>&1 | tee "$work/swift" |
    grep -E '^✘|WARNING: ThreadSanitizer|^✔ Test run with|^error:|^no end after'
  # An exit test prints what its process says, which may look like a fault; a test's own line counts.
  if grep -q '^no end after' "$work/swift"; then tests_without_end; fi
  local failed total
  total=$(sed -n 's/.*Test run with \([0-9]*\) tests\{0,1\} .*/\1/p' "$work/swift" | tail -n 1)
  failed=$(grep -cE '^✘ Test ([^r]|r[^u]|ru[^n]).* failed after' "$work/swift")
  local finding='WARNING: ThreadSanitizer|ERROR: (Address|Leak)Sanitizer'
  if grep -qE "$finding" "$work/swift"; then
    grep -A 40 -m 1 -E "$finding" "$work/swift"
    failed=$((failed + 1))
  fi
  [ "${total:-0}" -gt 0 ] || { tail -n 20 "$work/swift" && return 1; }
  # A crash has no closing line, and no failed test perhaps.
  grep -qE 'Test run with .* passed after' "$work/swift" || [ "$failed" -gt 0 ] || failed=1
  [ "$failed" -le "$total" ] || failed=$total
  echo "$((total - failed)) passed, $failed failed"
}

# tests_without_end: the tests that had begun when the time was up.
tests_without_end() {
  sed -n 's/^◇ Test \(.*\) started\.$/\1/p' "$work/swift" | while read -r name; do
    grep -qE "^(✔|✘) Test ${name%%(*}\(.* after" "$work/swift" || echo "did not end: $name"
  done
}

# sanitized_c SANITIZER ARGUMENT...: the C tests linked with the sources under one of Swift's sanitizers. Children of
# theirs start threads.
sanitized_c() {
  local scratch="${!#}"
  quietly $swift build --product c-suite "${@:2}" || return 1
  TSAN_OPTIONS=die_after_fork=0 limited "$scratch/debug/c-suite" $T
}
