public import InterruptSync
public import UIO

/// What the command line says about one device.
public struct DeviceConfiguration: Sendable {
  public var id: UIODeviceID
  public var recipe: Recipe
  public var mode: InterruptSyncMode
  /// nil: by driver.
  public var rearm: RearmStrategy?
  public var dispatcher: DispatcherAttributes

  public init(
    id: UIODeviceID, recipe: Recipe, mode: InterruptSyncMode = .normal, rearm: RearmStrategy? = nil,
    dispatcher: DispatcherAttributes = DispatcherAttributes()
  ) {
    self.id = id
    self.recipe = recipe
    self.mode = mode
    self.rearm = rearm
    self.dispatcher = dispatcher
  }
}
