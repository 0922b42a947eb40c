// Floor 5. org.varlink.service, the interface that every service has, and the identity that it
// answers with. VarlinkServer serves it, ClientService names the daemon's identity, VarlinkClient
// and the errors use its names. Values, for any thread; no lock.

/// `org.varlink.service`, which every service has.
package enum ServiceInterface {
  package static let name = "org.varlink.service"

  /// In the whole language's common part, with the errors of UAPI.20.
  package static let text = """
    # What every Varlink service answers: who it is and what it can do.
    interface org.varlink.service

    # The service's maker, name, version and home, and the interfaces it has.
    method GetInfo() -> (
      vendor: string,
      product: string,
      version: string,
      url: string,
      interfaces: []string
    )

    # The description of one of the service's interfaces.
    method GetInterfaceDescription(interface: string) -> (description: string)

    # The service has no such interface.
    error InterfaceNotFound (interface: string)

    # The interface has no such method.
    error MethodNotFound (method: string)

    # The interface has the method, and the service does not do it.
    error MethodNotImplemented (method: string)

    # A parameter is missing, undeclared, or not what it must be.
    error InvalidParameter (parameter: string)

    # The client may not do this.
    error PermissionDenied ()

    # The method must be called with "more".
    error ExpectedMore ()

    # The method must be called with "upgrade".
    error ExpectedUpgrade ()

    """
}

/// What GetInfo says of a service.
package struct ServiceIdentity: Sendable {
  package var vendor: String
  package var product: String
  package var version: String
  package var url: String

  package init(vendor: String, product: String, version: String, url: String) {
    self.vendor = vendor
    self.product = product
    self.version = version
    self.url = url
  }
}
