import CFloor
import InterruptSync
import UIO

/// A device behind UIO and the routine in C that serves it, for every server.
@safe struct RealLine {
  let info: UIODeviceInfo
  let routine: InterruptSyncRoutine
  let context: UnsafeMutableRawPointer

  /// Runs `body` while `server` serves the line; before and afterwards no server does. Each run
  /// has its own descriptor, so that no server sees another's interrupts.
  ///
  /// - Returns: what `body` returned, and the interrupts that the server counted.
  func served<R>(by server: RealServer, at place: placement, _ body: () throws -> R) throws -> (
    result: R, counted: UInt64
  ) {
    switch server {
    case .loop(let kind, _): try served(byLoop: kind, named: server.name, place, body)
    case .core(let waiting, _): try served(byCore: waiting, place, body)
    }
  }

  private func served<R>(byCore waiting: WaitStrategy, _ place: placement, _ body: () throws -> R)
    throws -> (R, UInt64)
  {
    let attributes = DispatcherAttributes(
      policy: place.priority > 0 ? .fifo(place.priority) : .other,
      processors: [Int(place.processor)], waiting: waiting)
    let object = InterruptSyncObject(
      source: try UIOLine(try UIODevice(info)), mode: .normal,
      options: InterruptSyncOptions(dispatcher: attributes))
    unsafe try object.registerServiceRoutine(routine, context: context)
    try object.connect()
    let result = Result { try body() }
    try object.disconnect()
    return (try result.get(), object.statistics().interrupts)
  }

  private func served<R>(
    byLoop kind: waiter_kind, named name: String, _ place: placement, _ body: () throws -> R
  ) throws -> (R, UInt64) {
    var line = unsafe probe_line()
    let configuration = info.pci == nil ? nil : "\(info.parentFolder)/config"
    let opened = unsafe uio_line_open(&line, info.path, configuration)
    guard opened == 0 else {
      throw BenchmarkFailure("\(info.path) does not open: errno \(-opened)")
    }
    defer { unsafe uio_line_close(&line) }
    let contexts: [UnsafeMutableRawPointer?] = unsafe [context]
    guard
      let waiter = unsafe waiter_start(&line, kind, WAITER_PI, routine, contexts, 1, place)
    else { throw BenchmarkFailure("\(name): cannot create a thread") }
    let result = Result { try body() }
    let counted = unsafe waiter_counted(waiter)
    unsafe waiter_stop(waiter)
    unsafe uio_line_mask(&line)
    return (try result.get(), counted)
  }

  /// What the kernel has counted, modulo 2^32.
  func kernelCount() throws -> UInt32 { try UIODeviceInfo(number: info.number).event }
}
