/// What somebody who mistyped a word may have meant.
enum Suggestion {
  /// A hint that names the nearest of `words`, or all of them when none is near and they
  /// are few.
  static func hint(for text: String, among words: some Collection<String>, suffix: String = "")
    -> String
  {
    let near = words.map { (word: $0, distance: distance(text.lowercased(), $0.lowercased())) }
      .min { ($0.distance, $0.word) < ($1.distance, $1.word) }
    if let near, near.distance <= max(1, near.word.count / 3) {
      return "did you mean \(near.word)\(suffix)?"
    }
    if words.count > 8 { return "the manual page lists what there is" }
    let list = words.sorted().map { $0 + suffix }
    guard let last = list.last, list.count > 1 else { return "write \(list.first ?? "nothing")" }
    return "known are \(list.dropLast().joined(separator: ", ")) and \(last)"
  }

  /// Insertions, deletions and replacements that make one of the other. Long texts are far from
  /// everything.
  static func distance(_ first: String, _ second: String) -> Int {
    let (first, second) = (Array(first.unicodeScalars), Array(second.unicodeScalars))
    guard first.count <= 64, second.count <= 64 else { return .max }
    var row = Array(0...second.count)
    for (i, left) in first.enumerated() {
      var diagonal = row[0]
      row[0] = i + 1
      for (j, right) in second.enumerated() {
        let replaced = diagonal + (left == right ? 0 : 1)
        diagonal = row[j + 1]
        row[j + 1] = min(replaced, row[j] + 1, diagonal + 1)
      }
    }
    return row[second.count]
  }
}
