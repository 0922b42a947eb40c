// Configuration room. Everything that the files say, read in one go: it is valid as a whole or
// rejected as a whole. Also its dump: what applies, and where each key was written. `main` and
// ConfigurationStart read it at the start, Service at a reload; DeviceRegistry asks it for the file
// of a device. A value; control thread, which before the loop is `main`'s; no lock.

/// The whole configuration.
package struct ConfigurationSet: Equatable, Sendable {
  package let daemon: DaemonSettings
  /// In the order of their names.
  package let devices: [DeviceFile]
  /// The merged files that this was read from, the daemon's first.
  let documents: [MergedDocument]

  /// Compares what is configured, not where it was written.
  package static func == (left: ConfigurationSet, right: ConfigurationSet) -> Bool {
    left.daemon == right.daemon && left.devices == right.devices
  }

  /// The file for a device: the first by name that admits it, as in systemd.link(5). Nil: the
  /// device is not configured.
  package func file(for device: DeviceProperties) -> DeviceFile? {
    devices.first { $0.match.admits(device) }
  }

  /// Reads the files of `tree`. Without any file, everything has its default and no device is
  /// configured.
  /// - Throws: every fault of every file.
  package init(_ tree: ConfigurationTree) throws(ConfigurationError) {
    var diagnostics: [Diagnostic] = []
    let daemon = tree.daemonEntry(&diagnostics)
    let devices = tree.deviceEntries(&diagnostics)
    try self.init(
      daemon: daemon, devices: devices, contents: ConfigurationReader.contents, diagnostics)
  }

  /// Reads what `dump` made of an accepted configuration.
  /// - Throws: every fault of the text.
  package init(dump: String) throws(ConfigurationError) {
    var daemon = ConfigurationTree.Entry(name: "interruptsyncd.conf", paths: [])
    var devices: [ConfigurationTree.Entry] = []
    var texts: [String: [UInt8]] = [:]
    // Of no files nothing is kept.
    let parts = dump.isEmpty ? [] : "\n\(dump)".split(separator: "\n\(Self.heading)")
    for part in parts {
      let name = String(part.prefix { $0 != "\n" })
      let path = "kept \(name)"
      texts[path] = Array(part.dropFirst(name.count).utf8)
      if name == daemon.name {
        daemon.paths = [path]
      } else {
        devices.append(ConfigurationTree.Entry(name: name, paths: [path]))
      }
    }
    try self.init(daemon: daemon, devices: devices, contents: { texts[$0] ?? [] }, [])
  }

  private static let heading = "### "

  /// Reads single files, each alone: `*.device`, drop-ins in a folder `*.device.d`, and any
  /// other `*.conf` as the daemon's.
  /// - Throws: every fault of every file.
  package init(files: [String]) throws(ConfigurationError) {
    var diagnostics: [Diagnostic] = []
    var daemon = ConfigurationTree.Entry(name: "interruptsyncd.conf", paths: [])
    var devices: [ConfigurationTree.Entry] = []
    for path in files {
      let folder = path.split(separator: "/").dropLast().last ?? ""
      if path.hasSuffix(".conf"), folder.hasSuffix(".device.d") {
        devices.append(ConfigurationTree.Entry(name: path, paths: [path], isPart: true))
      } else if path.hasSuffix(".device") {
        devices.append(ConfigurationTree.Entry(name: path, paths: [path]))
      } else if path.hasSuffix(".conf") {
        daemon.paths.append(path)
      } else {
        diagnostics.append(
          Diagnostic(
            SourcePosition(path: path), "neither a .device nor a .conf file",
            hint: "name files as you would install them, for instance 10-card.device"))
      }
    }
    try self.init(
      daemon: daemon, devices: devices, contents: ConfigurationReader.contents, diagnostics)
  }

  private typealias Contents = (String) throws(Diagnostic) -> [UInt8]

  private init(
    daemon: ConfigurationTree.Entry, devices: [ConfigurationTree.Entry],
    contents: Contents, _ found: [Diagnostic]
  ) throws(ConfigurationError) {
    var diagnostics = found
    let daemonDocument = Self.merge(
      daemon, [SectionSchema(DaemonSettings.Key.self)], contents, &diagnostics)
    var reader = SectionReader(
      daemonDocument.sections(DaemonSettings.Key.section).first, DaemonSettings.Key.self)
    self.daemon = DaemonSettings(&reader)
    diagnostics += reader.diagnostics
    var documents = [daemonDocument]
    var files: [DeviceFile] = []
    for entry in devices {
      let document = Self.merge(entry, DeviceFile.schema, contents, &diagnostics)
      files.append(DeviceFile(document, &diagnostics))
      documents.append(document)
    }
    self.devices = files
    self.documents = documents
    guard diagnostics.isEmpty else { throw ConfigurationError(diagnostics) }
  }

  private static func merge(
    _ entry: ConfigurationTree.Entry, _ schema: [SectionSchema], _ contents: Contents,
    _ diagnostics: inout [Diagnostic]
  ) -> MergedDocument {
    let before = diagnostics.count
    var files: [ConfigurationFile] = []
    for path in entry.paths {
      do throws(Diagnostic) {
        let parser = ConfigurationParser(try contents(path), path: path)
        files.append(parser.file)
        diagnostics += parser.diagnostics
      } catch { diagnostics.append(error) }
    }
    let isPartial = entry.isPart || diagnostics.count > before
    return MergedDocument(
      name: entry.name, files: files, schema: schema, isPartial: isPartial, &diagnostics)
  }
}

extension ConfigurationSet {
  /// The merged files, each after a line `### NAME`, and each key after a comment with its path and
  /// line. Read as files of these names, it is the same configuration.
  package var dump: String {
    documents.filter { !$0.sections.isEmpty }.map {
      "\(Self.heading)\($0.name)\n\n" + Self.text($0)
    }
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
