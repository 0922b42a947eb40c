// The registers of a 16550 as its data sheet has them (PC16550D, National Semiconductor, June 1995,
// section 8). Fields are computed, so that the first interrupt initializes nothing.
import InterruptSync

/// RBR, receiver buffer.
enum ReceiverBuffer: RegisterLayout {
  typealias Access = ReadOnly
  static let name = "RBR"
  static let offset = 0
  static let reset: UInt8 = 0
  static var data: RO<UInt8> { RO("DATA", bits: 0...7) }
  static let fields = [data.description]
}

/// THR, transmitter holding.
enum TransmitterHolding: RegisterLayout {
  typealias Access = WriteOnly
  static let name = "THR"
  static let offset = 0
  static let reset: UInt8 = 0
  static var data: WO<UInt8> { WO("DATA", bits: 0...7) }
  static let fields = [data.description]
}

/// DLL, divisor latch, low half: replaces RBR and THR while LCR has DLAB.
enum DivisorLow: RegisterLayout {
  typealias Access = ReadWrite
  static let name = "DLL"
  static let offset = 0
  static let reset: UInt8 = 0
  static var divisor: RW<UInt8> { RW("DIV7:0", bits: 0...7) }
  static let fields = [divisor.description]
}

/// DLM, divisor latch, high half: replaces IER while LCR has DLAB.
enum DivisorHigh: RegisterLayout {
  typealias Access = ReadWrite
  static let name = "DLM"
  static let offset = 1
  static let reset: UInt8 = 0
  static var divisor: RW<UInt8> { RW("DIV15:8", bits: 0...7) }
  static let fields = [divisor.description]
}

/// IER, interrupt enable.
enum InterruptEnable: RegisterLayout {
  typealias Access = ReadWrite
  static let name = "IER"
  static let offset = 1
  static let reset: UInt8 = 0
  static var receivedData: RW<Bool> { RW("ERBFI", bit: 0) }
  static var holdingEmpty: RW<Bool> { RW("ETBEI", bit: 1) }
  static var lineStatus: RW<Bool> { RW("ELSI", bit: 2) }
  static var modemStatus: RW<Bool> { RW("EDSSI", bit: 3) }
  static let fields = [
    receivedData.description, holdingEmpty.description, lineStatus.description,
    modemStatus.description,
  ]
}

/// IIR, interrupt identification. Reading it ends an interrupt of the transmitter.
enum InterruptIdentification: RegisterLayout {
  typealias Access = ReadOnly
  static let name = "IIR"
  static let offset = 2
  static let reset: UInt8 = 1
  static var nonePending: RO<Bool> { RO("NONE", bit: 0) }
  static let fields = [nonePending.description]
}

/// FCR, FIFO control.
enum FIFOControl: RegisterLayout {
  typealias Access = WriteOnly
  static let name = "FCR"
  static let offset = 2
  static let reset: UInt8 = 0
  static var enable: WO<Bool> { WO("FE", bit: 0) }
  static var clearReceiver: WO<Bool> { WO("RFR", bit: 1) }
  static var clearTransmitter: WO<Bool> { WO("XFR", bit: 2) }
  /// 0 to 3: interrupt at 1, 4, 8 or 14 bytes, or when fewer have waited for four characters' time.
  static var trigger: WO<UInt8> { WO("TRIGGER", bits: 6...7) }
  static let fields = [
    enable.description, clearReceiver.description, clearTransmitter.description,
    trigger.description,
  ]
}

/// LCR, line control.
enum LineControl: RegisterLayout {
  typealias Access = ReadWrite
  static let name = "LCR"
  static let offset = 3
  static let reset: UInt8 = 0
  /// Bits of a character, less 5. With all others 0: one stop bit, no parity.
  static var wordLength: RW<UInt8> { RW("WLS", bits: 0...1) }
  static var divisorLatch: RW<Bool> { RW("DLAB", bit: 7) }
  static let fields = [wordLength.description, divisorLatch.description]
}

/// MCR, modem control.
enum ModemControl: RegisterLayout {
  typealias Access = ReadWrite
  static let name = "MCR"
  static let offset = 4
  static let reset: UInt8 = 0
  static var terminalReady: RW<Bool> { RW("DTR", bit: 0) }
  static var requestToSend: RW<Bool> { RW("RTS", bit: 1) }
  /// On a PC card: connects the interrupt.
  static var out2: RW<Bool> { RW("OUT2", bit: 3) }
  /// Transmitter to receiver, RTS to CTS.
  static var loop: RW<Bool> { RW("LOOP", bit: 4) }
  static let fields = [
    terminalReady.description, requestToSend.description, out2.description, loop.description,
  ]
}

/// LSR, line status. Reading it clears the errors.
enum LineStatus: RegisterLayout {
  typealias Access = ReadOnly
  static let name = "LSR"
  static let offset = 5
  static let reset: UInt8 = 0x60
  static var dataReady: RO<Bool> { RO("DR", bit: 0) }
  static var overrun: RO<Bool> { RO("OE", bit: 1) }
  static var framingError: RO<Bool> { RO("FE", bit: 3) }
  /// The transmitter's FIFO is empty.
  static var holdingEmpty: RO<Bool> { RO("THRE", bit: 5) }
  static let fields = [
    dataReady.description, overrun.description, framingError.description, holdingEmpty.description,
  ]
}

/// MSR, modem status. Reading it ends an interrupt of the modem's lines.
enum ModemStatus: RegisterLayout {
  typealias Access = ReadOnly
  static let name = "MSR"
  static let offset = 6
  static let reset: UInt8 = 0
  static var clearToSend: RO<Bool> { RO("CTS", bit: 4) }
  static let fields = [clearToSend.description]
}
