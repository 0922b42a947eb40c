import CUIO
import Glibc
import InterruptSync

/// Under a sanitizer, which makes everything several times slower.
let isSanitized = getenv("INTERRUPTSYNC_SANITIZER") != nil

/// A number of repetitions, a tenth of it under a sanitizer.
func repetitions(_ count: Int) -> Int { isSanitized ? count / 10 : count }

/// Random choices that can be repeated: the seed is printed, and INTERRUPTSYNC_SEED sets it.
struct SeededGenerator: RandomNumberGenerator {
  private var state: UInt64

  init(for test: String) {
    let given = getenv("INTERRUPTSYNC_SEED").flatMap { UInt64(String(cString: $0)) }
    state = given ?? UInt64.random(in: 0...UInt64(UInt32.max))
    print("\(test): INTERRUPTSYNC_SEED=\(state)")
  }

  /// SplitMix64.
  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
    return mixed ^ (mixed >> 31)
  }
}

/// The kernel's account of a thread of this process; nil when there is no such thread.
func threadStatus(_ tid: UInt32) -> (name: String, state: Character)? {
  guard let file = fopen("/proc/self/task/\(tid)/stat", "r") else { return nil }
  defer { fclose(file) }
  var bytes = [CChar](repeating: 0, count: 512)
  guard fgets(&bytes, Int32(bytes.count), file) != nil else { return nil }
  let text = String(decoding: bytes.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
  guard let start = text.firstIndex(of: "("), let end = text.lastIndex(of: ")"),
    let state = text[end...].dropFirst(2).first
  else { return nil }
  return (String(text[start..<end].dropFirst()), state)
}

/// Waits until a thread sleeps.
func awaitSleep(of thread: UInt32) throws {
  try eventually("thread \(thread) to sleep") { threadStatus(thread)?.state == "S" }
}

/// The calling thread, as something to compare and to pass on.
func currentThread() -> UInt32 { cuio_thread_id() }

/// Sends a signal to one thread of this process.
func signalThread(_ tid: UInt32, _ number: Int32) -> Bool {
  // tgkill(2) has a wrapper only in newer C libraries: ask whether it is there.
  typealias Function = @convention(c) (Int32, Int32, Int32) -> Int32
  guard let symbol = dlsym(nil, "tgkill") else { return false }
  return unsafeBitCast(symbol, to: Function.self)(getpid(), Int32(tid), number) == 0
}
