/// How a method of an interface is answered.
struct MethodRoute {
  let interface: InterfaceDescription
  let input: [Field]
  let output: [Field]
  let streaming: VarlinkServer.Streaming
  /// Parameters that are numbers of descriptors.
  let descriptors: [String]
  let body: VarlinkServer.Handler
}
