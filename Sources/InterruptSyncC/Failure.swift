// How an error becomes a negative errno and the thread's sentence. Swift's errors end here.
import CHandleTable
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
