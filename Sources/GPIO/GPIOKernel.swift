// What this module asks the kernel about chips and lines, so that tests can answer in its place.
// Floor 3. GPIOChip and GPIOLine call it on the thread that opens, connects or disconnects, and on
// the dispatcher that brakes. With an interrupt lock held come `value`, which a routine may call,
// and `configure` where an object ends inside a routine. Every call answers -errno when it fails.
package import CGPIO
package import LinuxSystem

/// The kernel's GPIO character device, or what a test has instead. Nodes are opened through
/// `FileDescriptor`.
package protocol GPIOKernel: Sendable {
  func describe(_ chip: FileDescriptor, _ info: inout cgpio_chip) -> Int32
  func describe(_ chip: FileDescriptor, _ offset: UInt32, _ info: inout cgpio_line_info) -> Int32
  /// The line's descriptor.
  func request(
    _ chip: FileDescriptor, _ offset: UInt32, consumer: String, buffer: UInt32,
    _ config: cgpio_config
  ) -> Int32
  func configure(_ line: FileDescriptor, _ config: cgpio_config) -> Int32
  /// 1 or 0.
  func value(_ line: FileDescriptor) -> Int32
}

/// The kernel itself.
package struct SystemGPIO: GPIOKernel {
  package init() {}

  package func describe(_ chip: FileDescriptor, _ info: inout cgpio_chip) -> Int32 {
    unsafe cgpio_chip_info(chip.raw, &info)
  }

  package func describe(
    _ chip: FileDescriptor, _ offset: UInt32, _ info: inout cgpio_line_info
  ) -> Int32 {
    unsafe cgpio_line_info_at(chip.raw, offset, &info)
  }

  package func request(
    _ chip: FileDescriptor, _ offset: UInt32, consumer: String, buffer: UInt32,
    _ config: cgpio_config
  ) -> Int32 {
    unsafe withUnsafePointer(to: config) {
      unsafe cgpio_line_request(chip.raw, offset, consumer, buffer, $0)
    }
  }

  package func configure(_ line: FileDescriptor, _ config: cgpio_config) -> Int32 {
    unsafe withUnsafePointer(to: config) { unsafe cgpio_line_configure(line.raw, $0) }
  }

  package func value(_ line: FileDescriptor) -> Int32 { cgpio_line_value(line.raw) }
}
