// VFIO from C and Windows code on real devices: what programs/vfio.c, own_vfio.c, messages.c and
// common_buffers.c do and say. The cases run on the suite's one thread, beside the program.
import Glibc
import InterruptSync

enum VFIOProgramTests {
  static let cases = [
    Case("C_everyPacedMessageIsCountedOnItsVector") {
      try finish("messages", Guest.rocker, "500 of 500 messages on each vector")
    },
    Case("C_engineMovesBytesThroughDMABuffers") {
      try finish("engine", Guest.vfioEdu, "the engine moved the bytes 20 times")
    },
    Case("C_unbindReturnsAndTheProgramIsTold", returned),
    Case("K14_windowsMessagesOfARealDeviceComeToTheirRoutines") {
      try Guest.bindVFIO(Guest.rocker)
      try finish(
        try Program(["pci-\(Guest.rocker)"], program: "messages"),
        "every message came to its routine")
    },
    Case("K30_aRealDeviceMovesBytesThroughWindowsCommonBuffers") {
      try Guest.bindVFIO(Guest.vfioEdu)
      try Guest.translate(Guest.eduC, "DMA")
      try finish(
        try Program(["pci-\(Guest.vfioEdu)", "pci-\(Guest.eduC)"], program: "common_buffers"),
        "the common buffers had the bytes")
      try Guest.translate(Guest.eduC, "identity")
    },
    Case("V25_aProgramsOwnDescriptorsAreServicedBrakedAndDisconnected") {
      try Guest.bindVFIO(Guest.vfioEdu)
      try finish(
        try Program([Guest.vfioEdu], program: "own_vfio"),
        "the program's own descriptors were serviced")
    },
  ]

  private static func start(_ statement: String, _ address: String) throws -> Program {
    try Guest.bindVFIO(address)
    return try Program([statement, "pci-\(address)"], program: "vfio")
  }

  private static func finish(_ statement: String, _ address: String, _ wanted: String) throws {
    try finish(try start(statement, address), wanted)
  }

  private static func finish(_ program: Program, _ wanted: String) throws {
    let status = program.wait()
    try expect(status == 0, "exit status \(status): \(program.text)")
    try expect(program.text.contains(wanted), program.text)
  }

  private static func returned() throws {
    let program = try start("returned", Guest.vfioEdu)
    try program.waitForText("connected")
    let start = Clock.now
    Guest.write(Guest.vfioEdu, to: "/sys/bus/pci/drivers/vfio-pci/unbind")
    let took = Clock.now - start
    try finish(program, "the host has the device")
    try expect(took < 3_000_000_000, "it took \(took / 1_000_000) ms")
  }
}
