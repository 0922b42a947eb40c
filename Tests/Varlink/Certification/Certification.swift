// The certification of varlink.org, from both sides: as a service for other clients, and as a
// client of other services.
import Glibc
import LinuxSystem
import Varlink

@main
enum Certification {
  static let usage = "usage: varlink-certification serve|call|pass ADDRESS INTERFACE-FILE"

  static func main() {
    let arguments = CommandLine.arguments
    guard arguments.count == 4 else {
      print(usage)
      exit(64)
    }
    do {
      let bytes = try contents(arguments[3])
      let interface = try InterfaceDescription(
        String(decoding: bytes, as: UTF8.self), dialect: .whole)
      switch arguments[1] {
      case "serve": try CertificationService(interface).run(at: SocketAddress(arguments[2]))
      case "call": try CertificationClient(interface).run(at: arguments[2])
      case "pass": try FilePassing.call(at: arguments[2])
      default:
        print(usage)
        exit(64)
      }
    } catch {
      print("\(error)")
      exit(1)
    }
  }

  private static func contents(_ path: String) throws -> [UInt8] {
    let file = try FileDescriptor.open(path, O_RDONLY)
    var all: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 65536)
    while true {
      let count = unsafe read(file.raw, &piece, piece.count)
      guard count > 0 else { return all }
      all += piece.prefix(count)
    }
  }
}
