import CUIO
import Glibc
import InterruptSync

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
