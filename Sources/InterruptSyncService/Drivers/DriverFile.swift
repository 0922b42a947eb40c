// Drivers room. Which shared objects may become part of the daemon, and loading one: only a file
// that no user except root could have written. ManagedDevice+Service checks the path, HostedDriver
// loads it. Control thread; no lock. The last release unloads the code: nothing of the driver may
// run then.
import CInterruptSync
import Glibc
import UIO

/// The path of a driver, checked from the root on: every folder on the way and the file itself belong
/// to the owner, are not writable by others, and are not symbolic links. In a folder that passed the
/// check no other user can replace the next name, so the daemon loads the file that it checked.
struct DriverFile {
  let path: String

  /// - Parameters:
  ///   - path: absolute, without `.` and `..`.
  ///   - owner: the user that must own everything.
  ///   - root: the folder that is trusted unchecked; for tests.
  /// - Throws: `notFound`, `permissionDenied` (another user could have written it), `malformed` (not
  ///   a regular file), `unexpected`.
  init(_ path: String, owner: UInt32 = 0, below root: String = "/") throws(UIOError) {
    self.path = path
    guard path.hasPrefix(root) else {
      throw Self.error(path, .malformed, "it is not below \(root)")
    }
    var reached = root == "/" ? "" : root
    if root == "/" { try Self.check("/", owner, isLast: false, driver: path) }
    let names = path.dropFirst(root.count).split(separator: "/")
    for (index, name) in names.enumerated() {
      reached += "/" + name
      try Self.check(reached, owner, isLast: index == names.count - 1, driver: path)
    }
  }

  private static func check(
    _ path: String, _ owner: UInt32, isLast: Bool, driver: String
  ) throws(UIOError) {
    let status = try status(path, driver)
    let kind = status.st_mode & S_IFMT
    if kind == S_IFLNK {
      throw error(
        driver, .permissionDenied, "\(path) is a symbolic link",
        "write the path that it leads to: \(Self.real(driver) ?? "see realpath \(driver)")")
    }
    guard kind == (isLast ? S_IFREG : S_IFDIR) else {
      throw error(driver, .malformed, "\(path) is not a \(isLast ? "regular file" : "folder")")
    }
    guard status.st_uid == owner else {
      throw error(
        driver, .permissionDenied, "\(path) belongs to user \(status.st_uid), who can change it",
        "chown root \(path)")
    }
    guard status.st_mode & (S_IWGRP | S_IWOTH) == 0 else {
      let mode = String(status.st_mode & 0o7777, radix: 8)
      throw error(
        driver, .permissionDenied, "users other than root can write \(path) (mode \(mode))",
        isLast ? "chmod go-w \(path)" : "chmod go-w \(path), or put the driver elsewhere")
    }
  }

  private static func status(_ path: String, _ driver: String) throws(UIOError) -> stat {
    var status = stat()
    if unsafe lstat(path, &status) == 0 { return status }
    let number = errno
    switch number {
    case ENOENT, ENOTDIR:
      throw error(driver, .notFound, "\(path) does not exist", "install the driver", number)
    case EACCES, EPERM:
      throw error(
        driver, .permissionDenied, "\(path) cannot be reached",
        "let the daemon's user search the folders above it", number)
    default:
      let meaning = FileFailure(number)
      throw error(
        driver, .unexpected, "\(path) cannot be examined: \(meaning.cause)", meaning.hint, number)
    }
  }

  private static func real(_ path: String) -> String? {
    guard let resolved = unsafe realpath(path, nil) else { return nil }
    defer { unsafe free(resolved) }
    return unsafe String(cString: resolved)
  }

  private static func error(
    _ path: String, _ code: UIOError.Code, _ cause: String, _ hint: String = "",
    _ number: Int32 = 0
  ) -> UIOError {
    UIOError(
      code, device: path, operation: "load the driver", cause: cause, hint: hint, errno: number)
  }
}

/// A driver's shared object, loaded for as long as this exists.
@safe final class DriverLibrary {
  typealias Start =
    @convention(c) (
      UnsafePointer<interruptsync_host>?, UnsafeMutablePointer<interruptsync_driver>?
    ) -> Int32

  static let entryPoint = "interruptsync_driver_start"

  let path: String
  let start: Start
  private let handle: UnsafeMutableRawPointer

  /// - Throws: `malformed` if it is not a shared object that can be loaded here, has no entry point,
  ///   or brings a second copy of this library.
  init(_ file: DriverFile) throws(UIOError) {
    path = file.path
    // RTLD_NOW: a missing name fails here, and not at the first interrupt.
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
    // dlsym() searches its dependencies as well.
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
