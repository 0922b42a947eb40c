// Room Core: the core between dispatches: its memory, and the lists that a dispatch walks.
// SyncStorage and Registration link and unlink routines, on the caller's thread with the object's
// interrupt lock held; nothing here runs inside a dispatch. ServedLine, Connection and the others
// that need a cell allocate it and free it: one owner, which outlives every user. That takes no
// lock.
import CUIO

/// In which manner an interrupt walks the list of service routines. Fixed for the life of the
/// object (P4).
public enum InterruptSyncMode: Int32, Sendable, CaseIterable, CustomStringConvertible {
  /// Head to tail, up to the first routine that claims (P15). For level lines with independent
  /// sources: what is still asserted interrupts again after the re-arm.
  case normal = 1
  /// Every routine once, whatever the earlier ones said (P16).
  case all = 2
  /// Whole passes until one pass has no claim (P17). For several sources on one edge-like line.
  case `repeat` = 3

  /// `normal`, `all` or `repeat`, as the daemon's `--mode` takes it.
  public var description: String {
    switch self {
    case .normal: "normal"
    case .all: "all"
    case .repeat: "repeat"
    }
  }
}

extension Cell {
  /// Allocates; the caller becomes the owner and frees it once.
  static func allocate(_ value: Value) -> Cell {
    let pointer: UnsafeMutablePointer<Value> = unsafe CacheLine.allocate()
    unsafe pointer.initialize(to: value)
    return unsafe Cell(pointer)
  }

  /// By the owner, when no user is left.
  func free() {
    unsafe pointer.deinitialize(count: 1)
    unsafe CacheLine.deallocate(pointer)
  }
}

/// Memory that shares no cache line with anything else.
enum CacheLine {
  /// Bytes, on every processor this runs on (some arm64 boards fetch two at a time).
  private static let size = 64

  /// Not initialized.
  static func allocate<Value>() -> UnsafeMutablePointer<Value> {
    let bytes = (MemoryLayout<Value>.size + size - 1) / size * size
    let raw = UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: size)
    return unsafe raw.bindMemory(to: Value.self, capacity: 1)
  }

  /// Deinitialized by now.
  static func deallocate<Value>(_ pointer: UnsafeMutablePointer<Value>) {
    unsafe UnsafeMutableRawPointer(pointer).deallocate()
  }
}

/// Changes of the lists that a dispatch walks. With the interrupt lock held by the caller, so each
/// is one step for the next walk.
extension Cell<SyncCore> {
  func link(_ node: Cell<RoutineNode>, first: Bool) {
    guard !first, let head = unsafe value.head else {
      unsafe node.value.next = value.head
      unsafe value.head = node.pointer
      return
    }
    var last = unsafe Cell<RoutineNode>(head)
    while let next = unsafe last.value.next { unsafe last = Cell<RoutineNode>(next) }
    unsafe last.value.next = node.pointer
  }

  func unlink(_ node: Cell<RoutineNode>) {
    var before: Cell<RoutineNode>?
    var next = unsafe value.head
    while let current = unsafe next {
      if unsafe current == node.pointer {
        if let before {
          unsafe before.value.next = node.value.next
        } else {
          unsafe value.head = node.value.next
        }
        return
      }
      before = unsafe Cell<RoutineNode>(current)
      unsafe next = current.pointee.next
    }
  }
}
