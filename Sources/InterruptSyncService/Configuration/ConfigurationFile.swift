/// One file as it was written: nothing merged, nothing understood.
struct ConfigurationFile: Equatable, Sendable {
  /// `[Name]` and what stands below it.
  struct Section: Equatable, Sendable {
    let name: String
    let position: SourcePosition
    var assignments: [Assignment] = []
  }

  /// `Key=value`.
  struct Assignment: Equatable, Sendable {
    let key: String
    let position: SourcePosition
    /// Without blanks around it; empty resets the key.
    let value: LocatedText
  }

  let path: String
  var sections: [Section] = []
}
