// The configuration written out again: what counts, and where each of it was written.

extension ConfigurationSet {
  /// The merged files, each behind a line `### NAME`. Each key stands below a comment with its
  /// origin, a path and a line. Read as files of these names it is the same configuration.
  package var dump: String {
    documents.filter { !$0.sections.isEmpty }.map { "### \($0.name)\n\n" + Self.text($0) }
      .joined(separator: "\n")
  }

  /// One merged file in the syntax of its sources.
  static func text(_ document: MergedDocument) -> String {
    document.sections.map { section in
      let lines = section.assignments.map {
        "# \(origin($0.position))\n\($0.key)=\($0.value.string)\n"
      }
      return "# \(origin(section.position))\n[\(section.name)]\n" + lines.joined()
    }.joined(separator: "\n")
  }

  private static func origin(_ position: SourcePosition) -> String {
    "\(position.path):\(position.line)"
  }
}
