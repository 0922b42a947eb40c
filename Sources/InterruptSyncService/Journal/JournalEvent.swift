/// Kinds of events in the journal, each with a MESSAGE_ID that stays the same for good. What they
/// mean stands in systemd/interruptsync.catalog and docs/service.md.
package enum JournalEvent: String, CaseIterable, Sendable {
  case ready = "fbb865f87522408dbf9467cec23592f5"
  case stopping = "87924f0bf6e94418911b50ee21ec4ff9"
  case deviceConnected = "f106a8e877ea4141be7ace23e4a3bb93"
  case deviceContinued = "8e3a58b27d6549b8861030940d8e6e8b"
  case deviceRemoved = "6b8fb9b55bf440c2abee01a9cde3f417"
  case deviceFailed = "0bd3bc86d7db4a67b38745c379778f0e"
  case stormBegan = "aeb7487043dc4539b98bbda1eecb5750"
  case stormEnded = "2fe65167076946c9b67847abe121394e"
  case rearmFailed = "ca3295df46a84275a453e027dad02bd2"
  case rearmRecovered = "2c76fe7346b64ee9a18c3cc72fdc3bd4"
  case repeatLimitReached = "3d811ad0d2cb48a58d0101633107a6bb"
  case attributeRefused = "61560463eb3648f3bfcf271cdbc8df42"
  case dispatcherStalled = "217f8c5cc59247b7aa053ce914fb7562"
  case stateRefused = "e190119b0cf143ecbff0c3c5627a069d"
  case configurationRejected = "6480e253de434ee591c28a7c0fc1c03e"
  case callDenied = "9249cdfeb8c247c699864a03b5cbda05"
  case attachmentExpired = "60e9dbf09bab413b8577c3fac8aca869"
  case clientThrottled = "0de3ad24e50e4878961543b43c0ba779"
  case messagesSuppressed = "62aca4a848334af69f6d3f4ee4dc8235"
}
