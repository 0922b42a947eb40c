import Glibc
import UIO

extension InterruptSyncError {
  /// What programs in C get, without its sign: interruptsync/object.h.
  package var number: Int32 {
    switch code {
    case .wouldDeadlock: EDEADLK
    case .wrongLevel: EPERM
    case .alreadyConnected: EISCONN
    case .noServiceRoutines: ENODATA
    case .lineBusy: EBUSY
    case .removed: ENODEV
    case .lineFailed: device?.number ?? EIO
    case .resourcesExhausted: errno == 0 ? ENOMEM : errno
    case .lockOwnerDied: EOWNERDEAD
    case .invalidArgument: EINVAL
    }
  }
}
