#!/bin/sh
# access.sh ARCHITECTURE OBJDUMP OBJECT: what register accesses become. One instruction each, of the right width, with
# the barrier on the right side, and on aarch64 without write-back addressing: a hypervisor cannot emulate a device
# behind such an access, because the processor does not describe it in the syndrome.
architecture=$1
object=$3
listing=$("$2" -d --no-show-raw-insn "$object") || exit 1
passed=0
failed=0

# The instructions of a function, one a line, single spaces, without addresses and comments.
code() {
  echo "$listing" | sed -n "/<$1>:/,/^\$/p" | sed -n 's/^ *[0-9a-f]*:[[:space:]]*//p' | sed 's/[[:space:]]*\/\/.*//' |
    tr -s '\t ' ' '
}

result() {
  if [ "$1" = "$2" ]; then
    passed=$((passed + 1))
    echo "passed $3"
  else
    failed=$((failed + 1))
    printf 'FAILED %s\n  found:\n%s\n  wanted:\n%s\n' "$3" "$1" "$2"
  fi
}

# Accesses and barriers only.
accesses() {
  case $architecture in
    x86_64) code "$1" | grep -E '\(%r(di|cx|dx|ax)\)' | grep -v nop ;;
    aarch64) code "$1" | grep -E '^(ld|st|dmb)' ;;
  esac
}

case $architecture in
  x86_64)
    result "$(accesses probe_read8)" "movzbl (%rdi),%eax" read8
    result "$(accesses probe_read16)" "movzwl (%rdi),%eax" read16
    result "$(accesses probe_read32)" "mov (%rdi),%eax" read32
    result "$(accesses probe_read64)" "mov (%rdi),%rax" read64_is_one_access
    result "$(accesses probe_write8)" "mov %sil,(%rdi)" write8
    result "$(accesses probe_write16)" "mov %si,(%rdi)" write16
    result "$(accesses probe_write32)" "mov %esi,(%rdi)" write32
    result "$(accesses probe_write64)" "mov %rsi,(%rdi)" write64_is_one_access
    result "$(accesses probe_twice | wc -l)" 2 two_reads_are_two_accesses
    result "$(code probe_neighbours | grep -c '^movl \$0x0,')" 2 neighbours_are_not_joined
    ;;
  aarch64)
    read() { result "$(accesses "probe_$1")" "$2 [x0]
dmb oshld" "$1_is_one_access_and_the_barrier_follows"; }
    read read8 "ldrb w0,"
    read read16 "ldrh w0,"
    read read32 "ldr w0,"
    read read64 "ldr x0,"
    write() { result "$(accesses "probe_$1")" "dmb oshst
$2 [x0]" "$1_is_one_access_and_the_barrier_precedes"; }
    write write8 "strb w1,"
    write write16 "strh w1,"
    write write32 "str w1,"
    write write64 "str x1,"
    result "$(accesses probe_twice | grep -c '^ldr w')" 2 two_reads_are_two_accesses
    result "$(accesses probe_neighbours | grep -c '^str w')" 2 neighbours_are_not_joined
    for bits in 8 16 32 64; do
      result "$(accesses probe_sum$bits | grep -E '\]!|\], #')" "" "sum${bits}_has_no_write_back"
      result "$(accesses probe_fill$bits | grep -E '\]!|\], #')" "" "fill${bits}_has_no_write_back"
      result "$(accesses probe_fill$bits | grep -c '^st')" 1 "fill${bits}_stores_one_by_one"
    done
    ;;
esac
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
