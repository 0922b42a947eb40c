import Glibc

extension UIOError {
  /// What programs in C get, without its sign: interruptsync/device.h and region.h.
  package var number: Int32 {
    switch code {
    case .notFound, .noSuchRegion: ENOENT
    case .ambiguous: ENOTUNIQ
    case .malformed, .misaligned: EINVAL
    case .permissionDenied: EACCES
    case .busy: EBUSY
    case .removed: ENODEV
    case .noInterrupt: ENXIO
    case .rearmUnsupported, .unmappable: EOPNOTSUPP
    case .driverFailed: EIO
    case .outOfBounds: ERANGE
    case .readOnly: EROFS
    case .resourcesExhausted: errno == 0 ? ENOMEM : errno
    case .unexpected: errno == 0 ? EIO : errno
    }
  }
}
