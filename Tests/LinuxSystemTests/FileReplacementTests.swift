// Replacing a file in a folder where another user has put what hangs an opener or leads elsewhere.
import Glibc
import LinuxSystem
import TestSupport
import Testing

private func text(_ folder: TemporaryFolder, _ name: String) throws -> String {
  String(decoding: try folder.bytes(name), as: UTF8.self)
}

private func names(_ folder: TemporaryFolder) throws -> [String] {
  try FileDescriptor.list(folder.path).sorted()
}

@Test func fileIsReplacedAndNothingElseIsLeft() throws {
  let folder = try TemporaryFolder()
  for round in ["one", "two", ""] {
    try FileDescriptor.replace(folder.path("file"), with: round)
    #expect(try text(folder, "file") == round)
    #expect(try names(folder) == ["file"])
  }
}

@Test func linkAndFIFOAtTheNewFilesNameAreNeitherFollowedNorOpened() throws {
  let folder = try TemporaryFolder()
  try folder.write("victim", "untouched")
  // Every name that earlier versions used, and the first two that are tried.
  let planted = ["file.new", "file.\(getpid())~", "file.1~", "file.2~"]
  for (place, name) in planted.enumerated() {
    if place.isMultiple(of: 2) {
      try folder.link(name, to: folder.path("victim"))
    } else {
      #expect(mkfifo(folder.path(name), 0o666) == 0)
    }
  }
  var next: UInt64 = 0
  try FileDescriptor.replace(folder.path("file"), with: "text") {
    next += 1
    return next
  }
  #expect(next == 3)
  #expect(try text(folder, "file") == "text")
  #expect(try text(folder, "victim") == "untouched")
  #expect(try names(folder) == (planted + ["file", "victim"]).sorted())
}

@Test func linkAndFIFOAtTheFilesOwnNameAreReplaced() throws {
  let folder = try TemporaryFolder()
  try folder.write("victim", "untouched")
  try folder.link("link", to: folder.path("victim"))
  #expect(mkfifo(folder.path("fifo"), 0o666) == 0)
  for name in ["link", "fifo"] {
    try FileDescriptor.replace(folder.path(name), with: "text", durably: false)
    #expect(try text(folder, name) == "text")
  }
  #expect(try text(folder, "victim") == "untouched")
}

@Test func newFilesNameCannotBeForeseen() throws {
  let folder = try TemporaryFolder()
  // A folder at the file's own name lets the last step fail; the attempts are seen by their errors.
  try folder.folder("file/inside")
  #expect(throws: SystemError.self) {
    try FileDescriptor.replace(folder.path("file"), with: "text")
  }
  #expect(try names(folder) == ["file"], "what failed leaves nothing")
  let seen = Guarded<Set<String>>([])
  SystemError.$injected.withValue({ call, path in
    if call == .open { seen.withLock { _ = $0.insert(path) } }
    return call == .open ? EEXIST : nil
  }) {
    let error = #expect(throws: SystemError.self) {
      try FileDescriptor.replace(folder.path("other"), with: "text")
    }
    #expect(error?.number == EEXIST)
  }
  #expect(seen.withLock { $0.count } == 10)
}
