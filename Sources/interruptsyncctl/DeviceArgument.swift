import ArgumentParser

/// The name of a device on the command line, completed from what the daemon has.
struct DeviceArgument: ParsableArguments {
  @Argument(
    help: "A device or software line.",
    completion: .custom { words, _, _ in DeviceCompletion.names(words) })
  var device: String
}
