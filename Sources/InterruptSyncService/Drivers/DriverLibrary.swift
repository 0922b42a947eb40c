import CInterruptSync
import Glibc
import UIO

/// A driver's shared object, loaded until this is let go. On the control thread.
@safe final class DriverLibrary {
  typealias Start =
    @convention(c) (
      UnsafePointer<interruptsync_host>?, UnsafeMutablePointer<interruptsync_driver>?
    ) -> Int32

  static let entryPoint = "interruptsync_driver_start"

  let path: String
  let start: Start
  private let handle: UnsafeMutableRawPointer

  /// - Throws: `malformed` when it is not a shared object that can be loaded here, has no entry
  ///   point, or brings a second copy of this library.
  init(_ file: DriverFile) throws(UIOError) {
    path = file.path
    // Now: a name that is missing is to be told here, and not at the first interrupt.
    guard let handle = unsafe dlopen(file.path, RTLD_NOW | RTLD_LOCAL) else {
      throw Self.error(file.path, Self.loaderError, "build it for this machine's libraries")
    }
    guard let symbol = unsafe dlsym(handle, Self.entryPoint) else {
      unsafe dlclose(handle)
      throw Self.error(
        file.path, "it has no function \(Self.entryPoint)",
        "include interruptsync/driver.h and define it; in C++ its declaration makes it extern \"C\""
      )
    }
    // What it depends on is looked through as well.
    guard unsafe dlsym(handle, "interruptsync_object_connect") == nil else {
      unsafe dlclose(handle)
      throw Self.error(
        file.path,
        "it is linked with libinterruptsync.so, whose lock would exclude nothing in this process",
        "use the functions of interruptsync_host, and link without -linterruptsync")
    }
    unsafe self.handle = unsafe handle
    unsafe start = unsafeBitCast(symbol, to: Start.self)
  }

  deinit { unsafe dlclose(handle) }

  private static var loaderError: String {
    guard let text = unsafe dlerror() else { return "it cannot be loaded" }
    return unsafe String(cString: text)
  }

  private static func error(_ path: String, _ cause: String, _ hint: String) -> UIOError {
    UIOError(
      .malformed, device: path, operation: "load the driver", cause: cause, hint: hint)
  }
}
