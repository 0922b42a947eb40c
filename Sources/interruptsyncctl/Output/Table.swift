// Floor 7. Tables of the commands that list things, and the rows of names and values of those that
// describe one. Listing.swift and Statistics.swift call it, on the program's one thread. Pure
// functions of texts, except that one prints; no lock.

/// Columns as wide as their widest cell.
struct Table {
  struct Cell {
    let text: String
    var colour: Style.Colour?

    init(_ text: String, _ colour: Style.Colour? = nil) {
      self.text = text.isEmpty ? "-" : text
      self.colour = colour
    }
  }

  private let headings: [String]
  /// Columns whose cells are aligned to the right.
  private let numbers: Set<Int>
  private var rows: [[Cell]] = []

  init(_ headings: [String], numbers: Set<Int> = []) {
    self.headings = headings
    self.numbers = numbers
  }

  mutating func add(_ cells: [Cell]) { rows.append(cells) }

  func text(_ options: CommonOptions) -> String {
    let style = options.style
    let shown = options.noLegend ? rows : [headings.map { Cell($0, .bold) }] + rows
    let widths = headings.indices.map { column in
      shown.map { $0[column].text.count }.max() ?? 0
    }
    return shown.map { row in
      var line = ""
      for (column, cell) in row.enumerated() {
        let space = String(repeating: " ", count: widths[column] - cell.text.count)
        let text = cell.colour.map { style.paint(cell.text, $0) } ?? cell.text
        let isLast = column == row.count - 1
        if column > 0 { line += "  " }
        line += numbers.contains(column) ? space + text : text + (isLast ? "" : space)
      }
      return line + "\n"
    }.joined()
  }
}

extension CommonOptions {
  /// Prints `Name: value` lines, the values aligned at column `width`. Leaves out rows without a
  /// value.
  func showRows(_ rows: [(String, String?)], width: Int) {
    for (name, value) in rows {
      guard let value else { continue }
      let label = name + ":" + String(repeating: " ", count: width - name.count - 1)
      Console.out(style.paint(label, .bold) + value)
    }
  }
}
