import Glibc
import LinuxSystem
import Varlink

/// What the certification leaves out: descriptors in calls and replies.
enum FilePassing {
  static let description = """
    # Descriptors, both ways.
    interface org.example.files

    # Gives back what it is given, the last first.
    method Pass(first: int, second: int) -> (first: int, second: int)
    """
  private static let method = "org.example.files.Pass"

  static func serve(on server: VarlinkServer) throws(VarlinkError) {
    server.add(try InterfaceDescription(description))
    server.handle(method, descriptors: ["first", "second"]) { call in
      let files = ["second", "first"].compactMap { call.descriptor($0) }
      call.reply(["first": 0, "second": 1], descriptors: files)
    }
  }

  /// Several calls under way at once, each with files of its own.
  static func call(at address: String) throws {
    let client = try VarlinkClient(address, timeout: .seconds(60))
    var sent: [[UInt64]] = []
    for _ in 0..<20 {
      let files = [try file(), try file()]
      sent.append(files.map(inode))
      try client.send(method, ["first": 0, "second": 1], descriptors: files)
    }
    for inodes in sent {
      let reply = try client.receive(method)
      let received = ["first", "second"].compactMap { name -> UInt64? in
        guard let number = reply.parameters[name]?.int64.map(Int.init),
          reply.descriptors.indices.contains(number)
        else { return nil }
        return inode(reply.descriptors[number])
      }
      guard received == inodes.reversed(), reply.descriptors.count == 2 else {
        throw CertificationClient.Mismatch("\(inodes) came back as \(received)", reply.parameters)
      }
    }
    print("Files passed")
  }

  /// A file that no other has the inode of.
  private static func file() throws -> FileDescriptor {
    var ends: [Int32] = [0, 0]
    guard unsafe pipe(&ends) == 0 else { throw SystemError(errno) }
    close(ends[1])
    return FileDescriptor(adopting: ends[0])
  }

  private static func inode(_ file: FileDescriptor) -> UInt64 {
    var status = stat()
    return unsafe fstat(file.raw, &status) == 0 ? UInt64(status.st_ino) : 0
  }
}
