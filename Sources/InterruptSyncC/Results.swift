// Floor 5. What every entry point of this target calls: how an error becomes a negative errno and
// the thread's sentence, and how structs whose first field is their size cross between programs and
// a library of different versions. Swift's errors end here. On the thread and at the level of the
// program's call; it takes no lock, and the interrupt lock may be held.
import CHandleTable
import CInterruptSync
import Glibc
import InterruptSync
import UIO

/// An error that the interface itself finds.
struct Failure: Error {
  let number: Int32
  let text: String

  static func invalid(_ text: String) -> Failure { Failure(number: EINVAL, text: text) }
}

/// Runs the body of an entry point; what it throws becomes the result.
func attempt(_ function: String = #function, _ body: () throws -> Int32) -> Int32 {
  do { return try body() } catch let error as UIOError {
    return fail(error.number, error.description)
  } catch let error as InterruptSyncError {
    return fail(error.number, error.description)
  } catch let error as Failure {
    return fail(error.number, "\(function.prefix { $0 != "(" }): \(error.text)")
  } catch {
    return fail(EIO, "\(error)")
  }
}

/// Remembers the sentence for interruptsync_last_error() and gives the result.
@inline(never)
func fail(_ number: Int32, _ text: String) -> Int32 {
  unsafe handle_set_error(text)
  return -number
}

// MARK: Structs of other versions

/// Larger than any struct this interface will ever have.
private let largest = 1 << 16

/// A struct that has grown.
protocol Versioned {
  /// The size of its first version, the smallest that is accepted.
  static var firstSize: Int { get }
}

extension interruptsync_thread_attributes: Versioned { static var firstSize: Int { 160 } }
extension interruptsync_object_options: Versioned { static var firstSize: Int { 72 } }
extension interruptsync_statistics: Versioned { static var firstSize: Int { 120 } }

private func smallest<T>(_ type: T.Type) -> Int {
  (type as? any Versioned.Type)?.firstSize ?? MemoryLayout<T>.size
}

/// Copies `value` to the caller's struct as far as that has room, clears what the caller has beyond
/// it, and leaves `size` alone.
func give<T>(_ value: T, to destination: UnsafeMutablePointer<T>?) throws(Failure) {
  guard let destination = unsafe destination else {
    throw .invalid("the out-parameter is NULL")
  }
  let raw = UnsafeMutableRawPointer(destination)
  let size = unsafe raw.load(as: Int.self)
  let known = MemoryLayout<T>.size
  guard size >= smallest(T.self), size <= largest else { throw .wrongSize(size, known) }
  unsafe withUnsafeBytes(of: value) { bytes in
    unsafe raw.copyMemory(from: bytes.baseAddress!, byteCount: min(size, known))
  }
  if size > known { unsafe memset(raw + known, 0, size - known) }
  unsafe raw.storeBytes(of: size, as: Int.self)
}

/// The caller's struct. Fields that this library does not know must be zero.
func take<T>(_ source: UnsafePointer<T>) throws(Failure) -> T {
  let raw = unsafe UnsafeRawPointer(source)
  let size = unsafe raw.load(as: Int.self)
  let known = MemoryLayout<T>.size
  guard size >= smallest(T.self), size <= largest else { throw .wrongSize(size, known) }
  for offset in min(size, known)..<size
  where unsafe raw.load(fromByteOffset: offset, as: UInt8.self) != 0 {
    throw Failure(
      number: E2BIG, text: "the struct sets a field that this version of the library does not have")
  }
  // Fields that an earlier program does not have are zero.
  return unsafe withUnsafeTemporaryAllocation(of: T.self, capacity: 1) { room in
    let copy = UnsafeMutableRawPointer(room.baseAddress!)
    unsafe memset(copy, 0, known)
    unsafe copy.copyMemory(from: raw, byteCount: min(size, known))
    return unsafe room[0]
  }
}

extension Failure {
  static func wrongSize(_ size: Int, _ known: Int) -> Failure {
    .invalid("the struct's size field is \(size); set it to sizeof, which is \(known)")
  }
}

/// Fills a field with as much of `text` as fits, cut between characters.
func fill(_ field: UnsafeMutableRawBufferPointer, _ text: String) {
  let bytes = Array(text.utf8)
  var length = min(bytes.count, field.count - 1)
  if length < bytes.count { while length > 0, bytes[length] & 0xc0 == 0x80 { length -= 1 } }
  unsafe field.copyBytes(from: bytes.prefix(length))
  for index in length..<field.count { unsafe field[index] = 0 }
}
