// Configuration room. [Routine], the keys that say what services a device's interrupts: a recipe or
// a driver. DeviceFile makes it; ManagedDevice+Service registers what it says. Pure values, on the
// control thread; no lock.
import UIO

/// One routine of a device. The daemon registers them in the order of their sections.
package struct RoutineSettings: Equatable, Sendable {
  /// A recipe, or a driver's code.
  package enum Action: Equatable, Sendable {
    case recipe(Recipe)
    /// A shared object and its arguments.
    case driver(path: String, arguments: [String])
  }

  package var name: String?
  package var action: Action
  /// Those that it services; nil: each of the device's.
  package var vectors: [Int]?

  package init(name: String? = nil, action: Action, vectors: [Int]? = nil) {
    self.name = name
    self.action = action
    self.vectors = vectors
  }

  /// Whether it services a vector; nil: the device has none.
  func services(_ vector: Int?) -> Bool {
    guard let vectors, let vector else { return true }
    return vectors.contains(vector)
  }

  enum Key: String, ConfigurationKey {
    case name = "Name"
    case claim = "Claim"
    case capture = "Capture"
    case acknowledge = "Acknowledge"
    case driver = "Driver"
    case argument = "Argument"
    case vector = "Vector"

    static let section = "Routine"
    var isList: Bool { self == .capture || self == .acknowledge || self == .argument }
  }

  init(_ reader: inout SectionReader<Key>) {
    name = reader.value(.name, ConfigurationValue.name)
    vectors = reader.value(.vector, VectorSelection.list)
    let recipe = Self.recipe(&reader)
    let arguments = reader.items(.argument) { text throws(ValueFault) in text }
    let path = reader.value(.driver, Self.driver)
    guard reader.has(.driver) else {
      action = .recipe(recipe)
      if reader.has(.argument) {
        reader.report(
          .argument, ValueFault("only a driver takes arguments", hint: "give Driver= as well"))
      }
      return
    }
    action = .driver(path: path ?? "", arguments: arguments)
    for key in [Key.claim, .capture, .acknowledge] where reader.has(key) {
      reader.report(
        key,
        ValueFault(
          "the routine is a driver, whose code claims and acknowledges",
          hint: "remove it or Driver=, or write a second [Routine]"))
    }
  }

  private static func driver(_ text: String) throws(ValueFault) -> String {
    let path = try ConfigurationValue.path(text)
    guard path.hasSuffix(".so") else {
      throw ValueFault(
        "\"\(text)\" is not a shared object", hint: "write the path of a file that ends in .so")
    }
    return path
  }

  private static func recipe(_ reader: inout SectionReader<Key>) -> Recipe {
    let claim = reader.value(.claim) { text throws(ValueFault) in
      try checked { () throws(UIOError) in try RegisterReference(text) }
    }
    var captures: [Recipe.Capture] = []
    for item in reader.lists(.capture).joined() {
      do throws(ValueFault) {
        let capture = try checked { () throws(UIOError) in try Recipe.Capture(item.text) }
        try add(capture, to: &captures)
      } catch { reader.report(.capture, error, at: item.position) }
    }
    let isClaiming = reader.has(.claim)
    let names = captures.map(\.name)
    let acknowledgements = reader.items(.acknowledge) { text throws(ValueFault) in
      let write = try checked { () throws(UIOError) in
        try Recipe.Acknowledgement(text, captures: names)
      }
      if write.value == .claimed, !isClaiming {
        throw ValueFault(
          "\"claimed\" is written back, but no register is claimed",
          hint: "give Claim= (--claim), or write a number")
      }
      return write
    }
    do throws(UIOError) {
      return try Recipe(claim: claim, captures: captures, acknowledgements: acknowledgements)
    } catch {
      // Reported above: only a claim that is not valid can be missing.
      return Recipe()
    }
  }

  private static func add(
    _ capture: Recipe.Capture, to captures: inout [Recipe.Capture]
  ) throws(ValueFault) {
    if captures.contains(where: { $0.name == capture.name }) {
      throw ValueFault(
        "\"\(capture.name)\" is captured twice", hint: "give each register its own name")
    }
    if captures.count == Recipe.Capture.limit {
      throw ValueFault(
        "more than \(Recipe.Capture.limit) registers are captured",
        hint: "capture only those that a client reads")
    }
    captures.append(capture)
  }

  private static func checked<T>(_ read: () throws(UIOError) -> T) throws(ValueFault) -> T {
    do throws(UIOError) { return try read() } catch { throw ValueFault(error) }
  }
}
