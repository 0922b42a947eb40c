import InterruptSyncClient
import Varlink

/// Calls without types, with errors as every other command tells them.
struct RawConnection {
  private let client: VarlinkClient
  private let address: String

  init(_ address: String?) throws(InterruptSyncClientError) {
    self.address = address ?? InterruptSyncClient.defaultAddress
    do throws(VarlinkError) {
      client = try VarlinkClient(self.address, timeout: .seconds(10))
    } catch {
      throw InterruptSyncClientError(
        error, object: self.address, operation: "connect to the daemon")
    }
  }

  func call(
    _ method: String, _ parameters: JSONObject
  ) throws(InterruptSyncClientError) -> JSONObject {
    do throws(VarlinkError) { return try client.call(method, parameters).parameters } catch {
      throw InterruptSyncClientError(error, object: address, operation: method)
    }
  }

  func stream(
    _ method: String, _ parameters: JSONObject, _ body: (JSONObject) -> Void
  ) throws(InterruptSyncClientError) {
    do throws(VarlinkError) {
      var replies = try client.stream(method, parameters)
      while let reply = try replies.next(timeout: .seconds(1_000_000)) { body(reply.parameters) }
    } catch {
      throw InterruptSyncClientError(error, object: address, operation: method)
    }
  }
}
