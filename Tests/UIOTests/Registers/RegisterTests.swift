import Testing
import UIO

/// A divider with every kind of field. Offset 4, 16 bits, reset 0x0120.
private enum Control: RegisterLayout {
  typealias Access = ReadWrite
  static let name = "CTL"
  static let offset = 4
  static let reset: UInt16 = 0x0120
  static let enable = RW<Bool>("EN", bit: 0)
  static let mode = RW<Mode>("MODE", bits: 1...2)
  static let divider = RW<UInt8>("DIV", bits: 4...11)
  static let done = RW1C<Bool>("DONE", bit: 12)
  static let failed = RW1C<Bool>("FAIL", bit: 13)
  static let start = WO<Bool>("START", bit: 14)
  static let ready = RO<Bool>("RDY", bit: 15)
  static let fields = [
    enable.description, mode.description, divider.description, done.description,
    failed.description, start.description, ready.description,
  ]
}

private enum Mode: UInt8, RegisterFieldValue {
  case off, slow, fast, reserved
  init(fieldBits: UInt64) { self = Mode(rawValue: UInt8(fieldBits)) ?? .reserved }
  var fieldBits: UInt64 { UInt64(rawValue) }
}

private enum Status: RegisterLayout {
  typealias Access = ReadOnly
  static let name = "STS"
  static let offset = 0
  static let reset: UInt32 = 0
  static let level = RO<UInt32>("LVL", bits: 0...31)
  static let fields = [level.description]
}

private enum Command: RegisterLayout {
  typealias Access = WriteOnly
  static let name = "CMD"
  static let offset = 6
  static let reset: UInt8 = 0x80
  static let code = WO<UInt8>("CODE", bits: 0...3)
  static let fields = [code.description]
}

private enum Wide: RegisterLayout {
  typealias Access = ReadWrite
  static let name = "WIDE"
  static let offset = 8
  static let reset: UInt64 = 0
  static let all = RW<UInt64>("ALL", bits: 0...63)
  static let fields = [all.description]
}

private enum Overlapping: RegisterLayout {
  typealias Access = ReadWrite
  static let name = "BAD"
  static let offset = 0
  static let reset: UInt8 = 0
  static let fields = [
    RW<Bool>("A", bit: 1).description, RW<UInt8>("B", bits: 0...1).description,
  ]
}

@Suite struct RegisterTests {
  private let recorder = RegisterRecorder(size: 16)
  private var region: RegisterRegion {
    RegisterRegion(name: "device", size: 16, interposer: recorder)
  }

  @Test func readIsOneLoadAndGivesNamedFields() throws {
    recorder.preset(0x9125, at: 4, width: 2)
    let value = try Register<Control>(in: region).read()
    #expect(recorder.accesses == [.read(offset: 4, width: 2, value: 0x9125)])
    #expect(value[Control.enable])
    #expect(value[Control.mode] == .fast)
    #expect(value[Control.divider] == 0x12)
    #expect(value[Control.done])
    #expect(!value[Control.failed])
    #expect(value[Control.ready])
  }

  @Test func writeIsOneStoreOfTheResetValueAndTheChanges() throws {
    try Register<Control>(in: region).write { control in
      control[Control.enable] = true
      control[Control.mode] = .slow
      control[Control.start] = true
    }
    #expect(recorder.accesses == [.write(offset: 4, width: 2, value: 0x4123)])
  }

  @Test func modifyIsOneLoadAndOneStoreAndKeepsTheRest() throws {
    recorder.preset(0x8AB1, at: 4, width: 2)
    try Register<Control>(in: region).modify { $0[Control.divider] = 0x34 }
    #expect(
      recorder.accesses == [
        .read(offset: 4, width: 2, value: 0x8AB1), .write(offset: 4, width: 2, value: 0x8341),
      ])
  }

  @Test func modifyKeepsReservedBits() throws {
    recorder.preset(0x0008, at: 4, width: 2)
    try Register<Control>(in: region).modify { $0[Control.enable] = true }
    #expect(recorder.accesses.last == .write(offset: 4, width: 2, value: 0x0009))
  }

  @Test func modifyDoesNotClearWhatWritingOneClears() throws {
    recorder.preset(0x3000, at: 4, width: 2)
    let wasDone = try Register<Control>(in: region).modify { control in
      control[Control.enable] = true
      return control[Control.done]
    }
    #expect(wasDone)
    #expect(recorder.accesses.last == .write(offset: 4, width: 2, value: 0x0001))
  }

  @Test func clearWritesOneToItsFieldAlone() throws {
    recorder.preset(0x3000, at: 4, width: 2)
    try Register<Control>(in: region).modify { $0.clear(Control.failed) }
    #expect(recorder.accesses.last == .write(offset: 4, width: 2, value: 0x2000))
  }

  @Test func modifyDoesNotRepeatAWriteOnlyBit() throws {
    recorder.preset(0x4000, at: 4, width: 2)
    try Register<Control>(in: region).modify { $0[Control.enable] = true }
    #expect(recorder.accesses.last == .write(offset: 4, width: 2, value: 0x0001))
  }

  @Test func everyWidthIsOneAccessOfItsWidth() throws {
    try Register<Command>(in: region).write { $0[Command.code] = 5 }
    try Register<Wide>(in: region).write { $0[Wide.all] = .max }
    _ = try Register<Status>(in: region).read()
    #expect(
      recorder.accesses == [
        .write(offset: 6, width: 1, value: 0x85), .write(offset: 8, width: 8, value: .max),
        .read(offset: 0, width: 4, value: 0),
      ])
  }

  @Test func blockBaseIsAddedToTheOffset() throws {
    let register = try Register<Status>(in: region, at: 12)
    _ = try register.read()
    #expect(recorder.accesses == [.read(offset: 12, width: 4, value: 0)])
  }

  @Test func outOfBoundsIsFoundAtConstruction() {
    #expect(refusal(Control.self, at: 12) == .outOfBounds)
    #expect(refusal(Status.self, at: -4) == .outOfBounds)
  }

  @Test func misalignmentIsFoundAtConstruction() {
    #expect(refusal(Control.self, at: 1) == .misaligned)
  }

  @Test func overlappingFieldsAreFoundAtConstruction() {
    #expect(refusal(Overlapping.self, at: 0) == .malformed)
  }

  @Test func interposersErrorReachesTheCaller() throws {
    final class Gone: RegisterInterposer {
      static let error = UIOError(.removed, device: "device", operation: "test", cause: "pulled")
      func read(at offset: Int, width: Int) throws(UIOError) -> UInt64 { throw Self.error }
      func write(_ value: UInt64, at offset: Int, width: Int) throws(UIOError) { throw Self.error }
    }
    let region = RegisterRegion(name: "device", size: 16, interposer: Gone())
    let register = try Register<Control>(in: region)
    #expect(throws: Gone.error) { try register.read() }
    #expect(throws: Gone.error) { try register.write { _ in } }
  }

  @Test func valueDescribesItself() {
    let value = RegisterValue<Control>(bits: 0x8121)
    #expect(
      "\(value)" == "CTL 0x8121: EN=1 MODE=0x0 DIV=0x12 DONE=0 FAIL=0 START=0 RDY=1")
  }

  @Test func resetValueIsWhereAValueStarts() {
    #expect(RegisterValue<Control>().bits == 0x0120)
  }

  @Test func valueThatDoesNotFitTraps() async {
    await #expect(processExitsWith: .failure) {
      var value = RegisterValue<Command>()
      value[Command.code] = 16
    }
  }

  private func refusal<Layout: RegisterLayout>(
    _ layout: Layout.Type, at base: Int
  ) -> UIOError.Code? {
    do throws(UIOError) {
      _ = try Register(layout, in: region, at: base)
      return nil
    } catch { return error.code }
  }
}
