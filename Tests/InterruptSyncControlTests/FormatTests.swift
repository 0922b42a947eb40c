// Times, numbers, JSON and tables as text.
import ArgumentParser
import Glibc
import LinuxSystem
import Testing
import Varlink

@testable import DeviceInventory
@testable import InterruptSyncClient
@testable import interruptsyncctl

@Test(arguments: [
  ("500us", Duration.microseconds(500)), ("20ms", .milliseconds(20)),
  ("1.5s", .milliseconds(1500)), ("2min", .seconds(120)), ("3", .seconds(3)), ("0", .zero),
])
func timesAreRead(text: String, duration: Duration) {
  #expect(TimeArgument(argument: text)?.duration == duration)
}

@Test(arguments: ["", "s", "soon", "-1s", "nan", "inf", "1e30s", "5 h", "0x"])
func timesThatAreNoneAreRefused(text: String) { #expect(TimeArgument(argument: text) == nil) }

@Test(arguments: [
  (0.0, "0.0"), (0.05, "0.1"), (12.34, "12.3"), (-0.5, "-0.5"), (-12.34, "-12.3"),
  (999.96, "1000.0"), (1e18, "1e+18"),
])
func decimalsAreRounded(value: Double, text: String) { #expect(Format.decimal(value) == text) }

@Test func digitsBehindThePointAreFilledUp() {
  #expect(Format.decimal(1.000_005, digits: 6) == "1.000005")
  #expect(Format.decimal(3, digits: 0) == "3")
}

@Test(arguments: [
  (Duration.zero, "0.0 µs"), (.nanoseconds(41_200), "41.2 µs"), (.microseconds(1300), "1.3 ms"),
  (.milliseconds(2500), "2.5 s"),
])
func durationsHaveTheirUnit(value: Duration, text: String) {
  #expect(Format.time(value) == text)
}

@Test(arguments: [(0, "0 devices"), (1, "1 device"), (2, "2 devices")])
func oneIsCountedInTheSingular(count: Int, text: String) {
  #expect(counted(count, "device") == text)
}

@Test func pluralThatIsIrregularIsGiven() {
  #expect(counted(1, "reply", plural: "replies") == "1 reply")
  #expect(counted(3 as UInt64, "reply", plural: "replies") == "3 replies")
}

@Test(
  arguments: [
    (nil, "uio_pci_generic", "bound pci-0 to uio_pci_generic (before: no driver)"),
    ("e1000", "uio_pci_generic", "bound pci-0 to uio_pci_generic (before: e1000)"),
    ("e1000", "e1000", "e1000 has pci-0 already"),
  ] as [(String?, String?, String)])
func bindSaysWhatItDid(before: String?, after: String?, text: String) {
  #expect(DriverBinding.Outcome(before: before, after: after).bound("pci-0") == text)
}

@Test(
  arguments: [
    ("e1000", nil, "unbound pci-0 from e1000; no driver has it now"),
    ("uio", "e1000", "unbound pci-0 from uio; the kernel gave it to e1000"),
    ("e1000", "e1000", "unbound pci-0 from e1000, and the kernel gave it back"),
    (nil, "e1000", "the kernel gave pci-0 to e1000 (before: no driver)"),
    (nil, nil, "no driver had pci-0, and none has it now"),
  ] as [(String?, String?, String)])
func unbindSaysWhatItDid(before: String?, after: String?, text: String) {
  #expect(DriverBinding.Outcome(before: before, after: after).unbound("pci-0") == text)
}

@Test func prettyJSONIsTheSameJSON() throws {
  let value: JSON = [
    "a": [1, ["b": "x\ny", "c": []], [:]], "d": .null, "e": .unsigned(.max), "f": [],
  ]
  #expect(try JSONParser.parse(PrettyJSON.text(value)) == value)
  #expect(PrettyJSON.text(["a": 1]) == "{\n  \"a\": 1\n}")
  #expect(PrettyJSON.text([]) == "[]")
}

@Test func tableAlignsItsColumns() throws {
  let options = try CommonOptions.parse([])
  var table = Table(["A", "LONG", "N"], numbers: [2])
  table.add([.init("x"), .init(""), .init("5")])
  table.add([.init("yyy"), .init("z"), .init("1000")])
  #expect(table.text(options) == "A    LONG     N\nx    -        5\nyyy  z     1000\n")
  let bare = try CommonOptions.parse(["--no-legend"])
  #expect(table.text(bare) == "x    -     5\nyyy  z  1000\n")
}

@Test(
  arguments: [
    ("edu", "uio_pci_generic", "edu"), ("uio_pci_generic", "uio_pci_generic", nil),
    ("pci-0", "uio_pci_generic", nil), ("", "uio_pci_generic", nil),
  ] as [(String, String, String?)])
func nameIsShownWhereItIsNeitherTheIDNorTheDriver(name: String, driver: String, shown: String?)
  throws
{
  let object: JSONObject = [
    "id": "pci-0", "name": .string(name), "driver": .string(driver), "state": "listed",
    "routines": [], "regions": [],
  ]
  #expect(try Device(ReplyReader(object, device: "d", operation: "o")).ownName == shown)
}

@Test func momentsAreWrittenInUTCWithMicroseconds() {
  #expect(Moment(nanoseconds: 1_796_041_205_000_456_999).text == "2026-11-30T12:20:05.000456Z")
  #expect(Moment(nanoseconds: 0).text == "1970-01-01T00:00:00.000000Z")
  #expect(Moment(nanoseconds: 1_796_041_205_000_456_999).clock.hasSuffix(":20:05.000456"))
  let before = Moment.now.nanoseconds
  var time = timespec()
  clock_gettime(CLOCK_MONOTONIC, &time)
  let now = Moment(monotonic: .seconds(time.tv_sec) + .nanoseconds(time.tv_nsec))
  #expect((before...Moment.now.nanoseconds).contains(now.nanoseconds))
}
