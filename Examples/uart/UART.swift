import InterruptSync

/// One 16550 with its rings: what the service routine and the users of a port share. Only under the
/// interrupt lock.
///
/// Flow control is RTS and CTS: RTS goes off before the receive ring is full, and on again when half
/// of it has been read.
struct UART: Sendable {
  /// Counts so far.
  struct Counts: Sendable {
    var interrupts = 0
    var overruns = 0
    var framingErrors = 0
    /// Times the peer was asked to pause.
    var pauses = 0
  }

  static let fifoDepth = 16
  /// What a peer may still send after RTS went off.
  private static let reserve = 4 * fifoDepth

  private let receiver: Register<ReceiverBuffer>
  private let transmitter: Register<TransmitterHolding>
  private let divisorLow: Register<DivisorLow>
  private let divisorHigh: Register<DivisorHigh>
  private let interruptEnable: Register<InterruptEnable>
  private let identification: Register<InterruptIdentification>
  private let fifoControl: Register<FIFOControl>
  private let lineControl: Register<LineControl>
  private let modemControl: Register<ModemControl>
  private let lineStatus: Register<LineStatus>
  private let modemStatus: Register<ModemStatus>

  private let readable: Signal
  private let writable: Signal
  private var received = Ring()
  private var sending = Ring()
  /// What a waiting reader or writer waits for; 0 while there is none.
  private var wantedBytes = 0
  private var wantedSpace = 0
  private var asksToSend = true
  private var takesData = true
  private(set) var counts = Counts()

  init(
    in region: RegisterRegion, at base: Int, readable: Signal, writable: Signal
  ) throws(UIOError) {
    receiver = try Register(in: region, at: base)
    transmitter = try Register(in: region, at: base)
    divisorLow = try Register(in: region, at: base)
    divisorHigh = try Register(in: region, at: base)
    interruptEnable = try Register(in: region, at: base)
    identification = try Register(in: region, at: base)
    fifoControl = try Register(in: region, at: base)
    lineControl = try Register(in: region, at: base)
    modemControl = try Register(in: region, at: base)
    lineStatus = try Register(in: region, at: base)
    modemStatus = try Register(in: region, at: base)
    self.readable = readable
    self.writable = writable
    try stop()
  }

  /// 8 bits, no parity, one stop bit, nothing in FIFOs and rings; then lets it interrupt.
  mutating func start(divisor: UInt16, loopback: Bool) throws(UIOError) {
    received = Ring()
    sending = Ring()
    counts = Counts()
    asksToSend = true
    takesData = true
    try lineControl.write { $0[LineControl.divisorLatch] = true }
    try divisorLow.write { $0[DivisorLow.divisor] = UInt8(divisor & 0xff) }
    try divisorHigh.write { $0[DivisorHigh.divisor] = UInt8(divisor >> 8) }
    try lineControl.write { $0[LineControl.wordLength] = 3 }
    try fifoControl.write {
      $0[FIFOControl.enable] = true
      $0[FIFOControl.clearReceiver] = true
      $0[FIFOControl.clearTransmitter] = true
      $0[FIFOControl.trigger] = 2
    }
    try modemControl.write {
      $0[ModemControl.terminalReady] = true
      $0[ModemControl.requestToSend] = true
      $0[ModemControl.out2] = true
      $0[ModemControl.loop] = loopback
    }
    try interruptEnable.write {
      $0[InterruptEnable.receivedData] = true
      $0[InterruptEnable.holdingEmpty] = true
      $0[InterruptEnable.lineStatus] = true
      $0[InterruptEnable.modemStatus] = true
    }
  }

  /// Silent, as after a reset.
  func stop() throws(UIOError) {
    try interruptEnable.write { _ in }
    try modemControl.write { _ in }
  }

  /// The service routine.
  mutating func serve() throws(UIOError) -> Disposition {
    if try identification.read()[InterruptIdentification.nonePending] { return .notMine }
    counts.interrupts += 1
    try pump()
    return .claimed
  }

  /// Takes over as many of `bytes` as there is space for, and says how many.
  mutating func put(_ bytes: ArraySlice<UInt8>) throws(UIOError) -> Int {
    let taken = bytes.prefix(sending.space)
    for byte in taken { sending.append(byte) }
    wantedSpace = min(bytes.count - taken.count, Ring.capacity / 2)
    try pump()
    return taken.count
  }

  /// Gives what has come of the `count` bytes that are wanted.
  mutating func take(_ count: Int) throws(UIOError) -> Ring {
    var chunk = Ring()
    while chunk.count < count, let byte = received.popFirst() { chunk.append(byte) }
    wantedBytes = min(count - chunk.count, Ring.capacity / 2)
    try pump()
    return chunk
  }

  /// Moves a FIFO's worth each way. Remaining data keeps interrupting: the lock is never held long.
  private mutating func pump() throws(UIOError) {
    var status = try checkedStatus()
    for _ in 0..<Self.fifoDepth where status[LineStatus.dataReady] && received.space > 0 {
      received.append(try receiver.read()[ReceiverBuffer.data])
      status = try checkedStatus()
    }
    try throttle()
    // MSR first, and always: its interrupt ends with the read.
    if try modemStatus.read()[ModemStatus.clearToSend], status[LineStatus.holdingEmpty] {
      for _ in 0..<Self.fifoDepth {
        guard let byte = sending.popFirst() else { break }
        try transmitter.write { $0[TransmitterHolding.data] = byte }
      }
    }
    wake()
  }

  private mutating func checkedStatus() throws(UIOError) -> RegisterValue<LineStatus> {
    let status = try lineStatus.read()
    if status[LineStatus.overrun] { counts.overruns += 1 }
    if status[LineStatus.framingError] { counts.framingErrors += 1 }
    return status
  }

  /// Asks the peer to pause or to continue. A peer that ignores it fills the FIFO: data without a
  /// reader must not keep interrupting.
  private mutating func throttle() throws(UIOError) {
    let hasRoom = received.space >= (asksToSend ? Self.reserve : Ring.capacity / 2)
    if hasRoom != asksToSend {
      asksToSend = hasRoom
      if !hasRoom { counts.pauses += 1 }
      try modemControl.modify { $0[ModemControl.requestToSend] = hasRoom }
    }
    if (received.space > 0) != takesData {
      takesData = received.space > 0
      try interruptEnable.modify { $0[InterruptEnable.receivedData] = takesData }
    }
  }

  private mutating func wake() {
    if wantedBytes > 0, received.count >= wantedBytes {
      wantedBytes = 0
      readable.raise()
    }
    if wantedSpace > 0, sending.space >= wantedSpace {
      wantedSpace = 0
      writable.raise()
    }
  }
}
