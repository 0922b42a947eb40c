import CUIO

extension FileDescriptor {
  /// Masks (0) or unmasks (1) a UIO device's line; 0 or -errno. The corresponding C function is
  /// `write`.
  package func irqControl(_ value: Int32) -> Int32 {
    if let number = SystemError.injected?(.irqControl, "") { return -number }
    return cuio_irqcontrol(raw, value)
  }
}
