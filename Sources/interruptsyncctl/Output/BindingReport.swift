import DeviceInventory
import Varlink

enum BindingReport {
  static func show(
    _ device: BusDevice, _ outcome: DriverBinding.Outcome, _ common: CommonOptions
  ) {
    if common.json {
      var object: JSONObject = ["device": .string("\(device)")]
      if let before = outcome.before { object["before"] = .string(before) }
      if let after = outcome.after { object["driver"] = .string(after) }
      return common.show(object)
    }
    if common.quiet { return }
    let before = outcome.before ?? "no driver"
    let after = outcome.after ?? "no driver"
    Console.out(
      outcome.before == outcome.after
        ? "\(device): \(after), as before" : "\(device): \(after) instead of \(before)")
  }
}
