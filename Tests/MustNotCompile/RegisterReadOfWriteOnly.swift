// Must not compile: reading a write-only register.
// EXPECT: referencing instance method 'read()' on 'Register' requires that 'Command.Access' (aka 'WriteOnly') conform to 'ReadableAccess'
import UIO

enum Status: RegisterLayout {
  typealias Access = ReadOnly
  static let name = "STS"
  static let offset = 0
  static let reset: UInt8 = 0
  static let ready = RO<Bool>("RDY", bit: 0)
  static let fields = [ready.description]
}
enum Control: RegisterLayout {
  typealias Access = ReadWrite
  static let name = "CTL"
  static let offset = 1
  static let reset: UInt8 = 0
  static let enable = RW<Bool>("EN", bit: 0)
  static let start = WO<Bool>("START", bit: 1)
  static let done = RW1C<Bool>("DONE", bit: 2)
  static let ready = RO<Bool>("RDY", bit: 3)
  static let fields = [
    enable.description, start.description, done.description, ready.description,
  ]
}
enum Command: RegisterLayout {
  typealias Access = WriteOnly
  static let name = "CMD"
  static let offset = 2
  static let reset: UInt8 = 0
  static let code = WO<UInt8>("CODE", bits: 0...3)
  static let fields = [code.description]
}

func misuse(_ region: RegisterRegion) throws -> UInt8 {
  try Register<Command>(in: region).read().bits
}
