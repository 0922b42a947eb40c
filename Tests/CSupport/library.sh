# library.sh, sourced by Tests/C/run and Tests/Windows/run from the root of the repository: the library installed into a
# temporary folder as a user would install it, the two compilers, programs built and run on all processors at once, and
# one sum of what they counted.
set -uo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0 failed=0

# count NAME TEXT STATUS: adds the closing lines of TEXT, and prints TEXT if one counted a failure. An output without a
# closing line, and an error without a failed test, count as one failure.
count() {
  local p=0 f=0 a b
  while read -r a b; do p=$((p + a)) f=$((f + b)); done < <(sed -nE 's/^([0-9]+) passed, ([0-9]+) failed$/\1 \2/p' <<<"$2")
  # A filter selected none of this program's tests.
  if [ "$3" -eq 2 ] && grep -q '^no test has such a name$' <<<"$2"; then return; fi
  if [ $((p + f)) -eq 0 ] || { [ "$3" -ne 0 ] && [ $f -eq 0 ]; }; then f=$((f + 1)); fi
  [ $f -eq 0 ] || printf '%s:\n%s\n' "$1" "$2"
  passed=$((passed + p)) failed=$((failed + f))
}

# result NAME STATUS: one check of the runner's own.
result() {
  if [ "$2" -eq 0 ]; then passed=$((passed + 1)); else failed=$((failed + 1)) && echo "FAIL $1"; fi
}

# later NAME COMMAND...: starts COMMAND once a processor is free. collect reports all of them in the order of the calls.
names=()
later() {
  local number=${#names[@]}
  names+=("$1")
  while [ "$(jobs -pr | wc -l)" -ge "$(nproc)" ]; do wait -n; done
  { "${@:2}" >"$work/job-$number" 2>&1; echo $? >"$work/status-$number"; } &
}

collect() {
  local number
  wait
  for number in "${!names[@]}"; do
    count "${names[number]}" "$(cat "$work/job-$number")" "$(cat "$work/status-$number")"
  done
  names=()
}

# close: the last line, and the result of the run.
close() {
  [ $((passed + failed)) -gt 0 ] || { echo "no test has such a name: ${TEST:-}" && failed=1; }
  echo "$passed passed, $failed failed"
  [ $failed -eq 0 ]
}

make --no-print-directory install-lib DESTDIR="$work" PREFIX=/usr >"$work/log" 2>&1 || {
  cat "$work/log"
  echo "0 passed, 1 failed"
  exit 1
}
lib=$work/usr/lib/libinterruptsync.so.0
export PKG_CONFIG_PATH=$work/usr/lib/pkgconfig PKG_CONFIG_SYSROOT_DIR=$work LD_LIBRARY_PATH=$work/usr/lib
clang=$(dirname "$(readlink -f "$(command -v "${SWIFT:-swift}")")")/clang
[ -x "$clang" ] || clang=clang
# A crash under a sanitizer is not for the backtracer to examine.
export SWIFT_BACKTRACE=enable=no
read -ra headers < <(pkg-config --cflags interruptsync)
read -ra link < <(pkg-config --libs interruptsync)
# Each with the language's newest standard last. Unquoted where they are used.
c_compilers=("gcc -std=c17" "$clang -std=c17")
cxx_compilers=("g++ -std=c++17" "g++ -std=c++20" "$clang++ -std=c++17" "$clang++ -std=c++20")
