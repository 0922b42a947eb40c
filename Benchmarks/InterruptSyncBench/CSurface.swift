// libinterruptsync.so as a program meets it: loaded, and called through its exported names. The core
// it is compared with is the one linked into this program.
import CInterruptSync
import Glibc

@safe struct CSurface: @unchecked Sendable {
  typealias Make = @convention(c) (UnsafeMutablePointer<OpaquePointer?>?) -> Int32

  let call:
    @convention(c) (
      OpaquePointer?, interruptsync_routine?, UnsafeMutableRawPointer?, UnsafeMutablePointer<Int32>?
    ) -> Int32
  let line:
    @convention(c) (
      Int32, UInt32, UInt32, UnsafePointer<CChar>?, UnsafeMutablePointer<OpaquePointer?>?
    ) -> Int32
  let create:
    @convention(c) (
      OpaquePointer?, UInt32, UnsafePointer<interruptsync_object_options>?,
      UnsafeMutablePointer<OpaquePointer?>?
    ) -> Int32
  let register:
    @convention(c) (
      OpaquePointer?, interruptsync_routine?, UnsafeMutableRawPointer?, UInt32,
      UnsafeMutablePointer<OpaquePointer?>?
    ) -> Int32
  let connect: @convention(c) (OpaquePointer?) -> Int32
  let disconnect: @convention(c) (OpaquePointer?) -> Int32
  let statistics:
    @convention(c) (OpaquePointer?, UnsafeMutablePointer<interruptsync_statistics>?) -> Int32
  let release: @convention(c) (UnsafeMutableRawPointer?) -> Int32

  /// nil when there is no library at `path`.
  init?(path: String) {
    guard let library = unsafe dlopen(path, RTLD_NOW | RTLD_LOCAL) else { return nil }
    func named<T>(_ name: String) -> T {
      guard let address = unsafe dlsym(library, "interruptsync_" + name) else {
        preconditionFailure("\(path) has no interruptsync_\(name)")
      }
      return unsafe unsafeBitCast(address, to: T.self)
    }
    unsafe call = named("object_call")
    unsafe line = named("line_descriptor")
    unsafe create = named("object_create")
    unsafe register = named("object_register")
    unsafe connect = named("object_connect")
    unsafe disconnect = named("object_disconnect")
    unsafe statistics = named("object_get_statistics")
    unsafe release = named("release")
  }
}
