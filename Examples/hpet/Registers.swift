// The registers of the timer block (IA-PC HPET specification 1.0a, section 2.3). Fields are computed,
// so that the first interrupt initializes nothing.
import InterruptSync

/// General capabilities.
enum Capabilities: RegisterLayout {
  typealias Access = ReadOnly
  static let name = "GCAP_ID"
  static let offset = 0x00
  static let reset: UInt64 = 0
  /// Of the main counter's tick, in femtoseconds.
  static var period: RO<UInt32> { RO("COUNTER_CLK_PERIOD", bits: 32...63) }
  static let fields = [period.description]
}

/// General configuration.
enum Configuration: RegisterLayout {
  typealias Access = ReadWrite
  static let name = "GEN_CONF"
  static let offset = 0x10
  static let reset: UInt64 = 0
  static var isRunning: RW<Bool> { RW("ENABLE_CNF", bit: 0) }
  static let fields = [isRunning.description]
}

/// General interrupt status: which timers hold their lines.
enum InterruptStatus: RegisterLayout {
  typealias Access = ReadWrite
  static let name = "GINTR_STA"
  static let offset = 0x20
  static let reset: UInt64 = 0
  static var timer1: RW1C<Bool> { RW1C("T1_INT_STS", bit: 1) }
  static let fields = [timer1.description]
}

/// Main counter: may be written while it stands.
enum MainCounter: RegisterLayout {
  typealias Access = ReadWrite
  static let name = "MAIN_CNT"
  static let offset = 0xf0
  static let reset: UInt64 = 0
  static var ticks: RW<UInt64> { RW("COUNTER_VAL", bits: 0...63) }
  static let fields = [ticks.description]
}

/// Configuration of timer 1.
enum TimerConfiguration: RegisterLayout {
  typealias Access = ReadWrite
  static let name = "TIM1_CONF"
  static let offset = 0x120
  static let reset: UInt64 = 0
  static var isLevel: RW<Bool> { RW("INT_TYPE_CNF", bit: 1) }
  static var interrupts: RW<Bool> { RW("INT_ENB_CNF", bit: 2) }
  static var isPeriodic: RW<Bool> { RW("TYPE_CNF", bit: 3) }
  static var canBePeriodic: RO<Bool> { RO("PER_INT_CAP", bit: 4) }
  /// The next write to the comparator of a periodic timer is of its first match.
  static var setsFirstMatch: RW<Bool> { RW("VAL_SET_CNF", bit: 6) }
  static var is32Bits: RW<Bool> { RW("32MODE_CNF", bit: 8) }
  static var pin: RW<UInt8> { RW("INT_ROUTE_CNF", bits: 9...13) }
  static var usesMessages: RW<Bool> { RW("FSB_EN_CNF", bit: 14) }
  static var possiblePins: RO<UInt32> { RO("INT_ROUTE_CAP", bits: 32...63) }
  static let fields = [
    isLevel.description, interrupts.description, isPeriodic.description, canBePeriodic.description,
    setsFirstMatch.description, is32Bits.description, pin.description, usesMessages.description,
    possiblePins.description,
  ]
}

/// Comparator of timer 1: the next match. A periodic timer adds its period at each.
enum Comparator: RegisterLayout {
  typealias Access = ReadWrite
  static let name = "TIM1_COMP"
  static let offset = 0x128
  static let reset: UInt64 = .max
  static var ticks: RW<UInt64> { RW("COMPARATOR_VAL", bits: 0...63) }
  static let fields = [ticks.description]
}
