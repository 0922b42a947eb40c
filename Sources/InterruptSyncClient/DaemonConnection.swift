// One connection, with the protocol's errors told in the caller's terms.
import UIO
import Varlink

/// A connection to the daemon. One thread at a time.
final class DaemonConnection {
  let client: VarlinkClient
  let address: String

  init(_ address: String, timeout: Duration?) throws(InterruptSyncClientError) {
    self.address = address
    do throws(VarlinkError) {
      client = try VarlinkClient(address, timeout: timeout)
    } catch {
      throw InterruptSyncClientError(error, object: address, operation: "connect to the daemon")
    }
  }

  /// - Parameters:
  ///   - method: without the interface's name.
  ///   - device: for errors; nil: the call is about the daemon.
  func call(
    _ method: String, _ parameters: JSONObject = [:], descriptors: [FileDescriptor] = [],
    device: String? = nil, operation: String
  ) throws(InterruptSyncClientError) -> (reader: ReplyReader, descriptors: [FileDescriptor]) {
    let object = device ?? address
    do throws(VarlinkError) {
      let reply = try client.call(
        "\(InterruptSyncClient.interface).\(method)", parameters, descriptors: descriptors)
      return (
        ReplyReader(reply.parameters, device: object, operation: operation), reply.descriptors
      )
    } catch {
      throw InterruptSyncClientError(error, object: object, operation: operation)
    }
  }

  func stream(
    _ method: String, _ parameters: JSONObject = [:], device: String? = nil, operation: String
  ) throws(InterruptSyncClientError) -> ReplyStream {
    let object = device ?? address
    do throws(VarlinkError) {
      let replies = try client.stream("\(InterruptSyncClient.interface).\(method)", parameters)
      return ReplyStream(replies, device: object, operation: operation)
    } catch {
      throw InterruptSyncClientError(error, object: object, operation: operation)
    }
  }
}
