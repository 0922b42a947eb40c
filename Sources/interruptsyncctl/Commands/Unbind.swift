import ArgumentParser
import DeviceInventory
import UIO

struct Unbind: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Takes a device from its driver and lets the kernel choose anew (root).")

  @Argument(help: "A PCI address, BUS-NAME, or a UIO device.") var device: String

  @Flag(help: "Forget what bind --persist saved.") var persist = false

  @Flag(help: "Also when the device is in use.") var force = false

  @OptionGroup var common: CommonOptions

  func run() throws {
    let target = try BusDevice(device)
    let saved = try SavedBinding("\(target)")
    BindingReport.show(target, try DriverBinding(target).unbind(force: force), common)
    if persist {
      if try !saved.remove() { common.note("\(target): no binding was saved") }
    } else if saved.driver != nil {
      common.note("\(target): \(saved.path) binds it again at the next start; --persist forgets it")
    }
  }
}
