#!/bin/sh
# order.sh OBJDUMP OBJECT...: what the orders of docs/memory-order.md become on aarch64, in each function that has them:
# a load that acquires is ldar, a store that releases stlr, sequential consistency is those two or a barrier, and a
# compare-and-swap or exchange is the compiler's function of that order. A counter has no barrier at all.
objdump=$1
shift
listing=$("$objdump" -d --no-show-raw-insn "$@") || exit 1
passed=0
failed=0

# The ordering instructions and functions of a function, in one line, each once where it comes several times in a row.
# Whether the processor has the atomic instructions is found out at run time, in functions that are named after them.
orders() {
  echo "$listing" | sed -nE "/<($1)>:/,/^\$/p" |
    sed -nE 's/.*\b(ldar|stlr|ldaxr|stlxr|ldapr|dmb\sish\w*)\b.*/\1/p; s/.*<__aarch64_([a-z]+[0-9]_[a-z_]+)>.*/\1/p' |
    uniq | tr '\t\n' '  '
}

check() {
  found=$(orders "$1")
  if [ -n "$(echo "$listing" | sed -nE "/<($1)>:/p")" ] && [ "$found" = "$2${2:+ }" ]; then
    passed=$((passed + 1))
    echo "passed $1"
  else
    failed=$((failed + 1))
    printf 'FAILED %s\n  found:  %s\n  wanted: %s\n' "$1" "$found" "$2"
  fi
}

check probe_flag_is_up ldar
check probe_flag_raise stlr
check probe_counter_add ""
check probe_lock_enter cas4_acq
check probe_lock_leave cas4_rel
check cuio_ring_take "ldar stlr"
check cuio_ring_must_wake "stlr ldar swp4_acq_rel"
check cuio_ring_sleep "stlr ldar"
check cuio_ring_written ldar
check cuio_ring_release stlr
check cuio_ring_publish stlr
check cuio_ring_end stlr
check cuio_bell_sleep stlr
# A compiler may leave the part with the order in a function of its own.
check "cuio_bell_ring|ask" "dmb ish ldar swp4_acq_rel"
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
