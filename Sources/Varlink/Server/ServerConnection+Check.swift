// Answers held against the interface, where the server's owner asks for it.

extension ServerConnection {
  func check(_ parameters: JSONObject, of call: VarlinkCall) {
    guard let report = server?.replyCheck,
      let fault = call.route.interface.fault(in: parameters, against: call.route.output)
    else { return }
    report("\(call.method): a reply is not as declared at \"\(fault)\": \(parameters)")
  }

  func check(_ error: ErrorReply, of call: VarlinkCall) {
    guard let report = server?.replyCheck,
      !error.name.hasPrefix(ServiceInterface.name + ".")
    else { return }
    let prefix = call.route.interface.name + "."
    guard error.name.hasPrefix(prefix),
      let fields = call.route.interface.error(String(error.name.dropFirst(prefix.count)))
    else { return report("\(call.method): the error \(error.name) is not declared") }
    if let fault = call.route.interface.fault(in: error.parameters, against: fields) {
      report(
        "\(call.method): \(error.name) is not as declared at \"\(fault)\": \(error.parameters)")
    }
  }
}

extension MethodRoute {
  /// The parameter that names no descriptor of the call, or one that another names already; with
  /// descriptors left over, the last that could have named one.
  func fault(in parameters: JSONObject, descriptors count: Int) -> String? {
    var named: Set<Int64> = []
    for name in descriptors {
      guard let value = parameters[name], value != .null else { continue }
      guard let number = value.int64, number >= 0, number < count, named.insert(number).inserted
      else { return name }
    }
    return named.count == count ? nil : descriptors.last
  }
}
