import TestSupport
import Testing

@testable import Varlink

private func read(
  _ members: String, _ dialect: InterfaceDescription.Dialect = .common
) throws(VarlinkError) -> InterfaceDescription {
  try InterfaceDescription("interface org.example.test\n" + members, dialect: dialect)
}

@Test func aDescriptionIsReadWithItsDocumentation() throws {
  let text = """
    # Not of the interface.

    # The interface.
    # Second line.
    interface org.example.my-thing

    # A place.
    type Place (
      # Across.
      x: int,  # not documentation
      y: ?float
    )
    type Colour (red, green_1)
    # Does it.
    method Do(places: []Place, names: [string]string, more: ?[string]Place, any_thing: object) ->
      (colour: Colour, inline: (a, b), list: [](z: bool))
    method Nothing() -> ()
    # Apart.

    error Failed ()
    error Odd (where: Place)
    """
  let interface = try InterfaceDescription(text)
  #expect(interface.name == "org.example.my-thing")
  #expect(interface.documentation == "The interface.\nSecond line.")
  #expect(interface.text == text)
  #expect(interface.members.map(\.name) == ["Place", "Colour", "Do", "Nothing", "Failed", "Odd"])
  #expect(interface.member("Place")?.documentation == "A place.")
  #expect(
    interface.type("Place")
      == .structure([
        Field("x", .int, documentation: "Across."), Field("y", .nullable(.float)),
      ]))
  #expect(interface.type("Colour") == .enumeration(["red", "green_1"]))
  let method = try #require(interface.method("Do"))
  #expect(
    method.input.map(\.type) == [
      .array(.named("Place")), .map(.string), .nullable(.map(.named("Place"))), .object,
    ])
  #expect(
    method.output.map(\.type) == [
      .named("Colour"), .enumeration(["a", "b"]), .array(.structure([Field("z", .bool)])),
    ])
  #expect(interface.member("Failed")?.documentation == "")
  #expect(interface.error("Failed")?.isEmpty == true)
  #expect(interface.method("Failed") == nil && interface.error("Do") == nil)
}

@Test(arguments: [
  "", "type A ()", "method A()->()", "error E (a: int)",
  "type T (type: int, error: ?bool, method: string)",
  "# c\r\ntype A (a: int)\r\n", "type A (\n# c\na: int # d\n,\n# e\nb: ?[]A)",
  "type T (a: [string][]int)",
  "method M(interface: string) -> (x: ?object)", "error E()",
])
func theCommonSubsetIsRead(members: String) throws {
  _ = try read(members)
}

@Test(arguments: [
  ("type A (a: any)", "object"), ("type A (a: [string]())", "[string]()"),
  ("type A (a: []?int)", "nullable"),
  ("type A (a: [string]?int)", "nullable"), ("error E", "("), ("type a (a: int)", "name"),
  ("type A (a: Missing)", "no type Missing"), ("type A (a: int) type A (b: int)", "twice"),
  ("type A (a: int) method A() -> ()", "twice"), ("type A (a: int, a: int)", "twice"),
  ("type A (a, b: int)", "field without a type"), ("type A (a: int, b)", "field without a type"),
  ("type A (a: ??int)", "not a type"), ("type A (a: int,)", "field's name"),
  ("type A (_a: int)", "field's name"),
  ("type A (a_: int)", "field's name"), ("type A (a__b: int)", "field's name"),
  ("type A (1a: int)", "field's name"),
  ("type A (a int)", ")"), ("type A a: int", "("), ("type A (a: int", ")"),
  ("method M() -> (a, b)", "not an enumeration"),
  ("method M() ()", "->"), ("method M()", "->"), ("typ A (a: int)", "type"),
  ("type A.B (a: int)", "("),
  ("type A (a: string[])", ")"), ("type A (a: [int]string)", "not a type"),
  ("error Failure (a: Failure)", "no type"), ("x", "type"),
  ("type A (a: " + String(repeating: "[]", count: 100) + "int)", "deeply"),
  ("type A " + String(repeating: "(a: ", count: 100) + "int", "deeply"),
])
func whatParsersDisagreeOnIsRefusedAndSaysWhere(members: String, words: String) throws {
  let error = try #require(throws: VarlinkError.self) { try read(members) }
  #expect(error.code == .invalidDescription)
  #expect(error.object == "org.example.test")
  #expect(error.cause.contains(words), "\(error)")
  #expect(error.cause.hasPrefix("line 2, column "), "\(error)")
}

@Test func faultsArePlacedByLineAndColumn() throws {
  let error = try #require(throws: VarlinkError.self) {
    try read("\ntype A (\n  a: int,\n  b: Missing\n)")
  }
  #expect(error.cause == "line 5, column 6: there is no type Missing")
}

@Test(arguments: [
  "interface org", "interface", "", "interface .a", "interface a.", "interface a..b",
  "interface a.-b", "interface a.b-",
  "interface 1.b", "Interface a.b", "interface a.b_c", "#\n",
])
func whatHasNoInterfaceNameIsRefused(text: String) {
  #expect(throws: VarlinkError.self) { try InterfaceDescription(text) }
}

@Test(arguments: ["a.b", "org.varlink.service", "com.example.a-b", "com.1example.x2", "a.b--c"])
func interfaceNamesAreRead(name: String) throws {
  #expect(try InterfaceDescription("interface " + name).name == name)
}

@Test func theWholeLanguageIsReadWhereItIsAskedFor() throws {
  let members = "type I (foo: ?[]?[string](a, b), set: [string]())"
  #expect(throws: VarlinkError.self) { try read(members) }
  let type = try read(members, .whole).type("I")
  #expect(
    type
      == .structure([
        Field("foo", .nullable(.array(.nullable(.map(.enumeration(["a", "b"])))))),
        Field("set", .map(.structure([]))),
      ]))
}

@Test func theServiceInterfaceIsInTheCommonSubset() throws {
  let interface = try InterfaceDescription(ServiceInterface.text)
  #expect(interface.name == ServiceInterface.name)
  for error in [
    ErrorReply.interfaceNotFound("a"), .methodNotFound("a"), .methodNotImplemented("a"),
    .invalidParameter("a"), .permissionDenied, .expectedMore,
  ] {
    let name = String(error.name.dropFirst(ServiceInterface.name.count + 1))
    let fields = try #require(interface.error(name))
    #expect(interface.fault(in: error.parameters, against: fields) == nil)
  }
}

@Test(
  arguments: [
    (#"{"i":1,"s":"a"}"#, nil), (#"{"i":18446744073709551615,"s":""}"#, nil),
    (#"{"i":1,"s":"a","n":null}"#, nil),
    (#"{"i":1,"s":"a","f":1}"#, nil),
    (#"{"i":1,"s":"a","f":1.5,"o":{"x":[]},"e":"two","m":{"a":[1]},"b":false}"#, nil),
    (#"{"i":1,"s":"a","t":{"x":1}}"#, nil), (#"{"i":1,"s":"a","l":[{"x":1},{"x":2,"y":[]}]}"#, nil),
    (#"{"i":1,"s":"a","l":[]}"#, nil),
    (#"{"s":"a"}"#, "i"), (#"{"i":null,"s":"a"}"#, "i"), (#"{"i":1.0,"s":"a"}"#, "i"),
    (#"{"i":1e3,"s":"a"}"#, "i"),
    (#"{"i":18446744073709551616,"s":"a"}"#, "i"), (#"{"i":true,"s":"a"}"#, "i"),
    (#"{"i":"1","s":"a"}"#, "i"),
    (#"{"i":1,"s":1}"#, "s"), (#"{"i":1,"s":"a","z":1}"#, "z"), (#"{"i":1,"s":"a","z":null}"#, "z"),
    (#"{"i":1,"s":"a","b":1}"#, "b"), (#"{"i":1,"s":"a","f":"1"}"#, "f"),
    (#"{"i":1,"s":"a","o":[]}"#, "o"),
    (#"{"i":1,"s":"a","e":"four"}"#, "e"), (#"{"i":1,"s":"a","e":1}"#, "e"),
    (#"{"i":1,"s":"a","m":[]}"#, "m"),
    (#"{"i":1,"s":"a","m":{"k":[1,"2"]}}"#, "m[k][1]"), (#"{"i":1,"s":"a","t":{}}"#, "t.x"),
    (#"{"i":1,"s":"a","t":[]}"#, "t"),
    (#"{"i":1,"s":"a","t":{"x":1,"w":2}}"#, "t.w"),
    (#"{"i":1,"s":"a","l":[{"x":1},{"x":"2"}]}"#, "l[1].x"),
    (#"{"i":1,"s":"a","l":[{"x":1,"y":[{"x":null}]}]}"#, "l[0].y[0].x"),
    (#"{"i":1,"s":"a","l":[null]}"#, "l[0]"),
  ] as [(String, String?)])
func aValueIsHeldAgainstItsDeclaration(text: String, fault: String?) throws {
  let interface = try read(
    """
    type T (x: int, y: ?[]T)
    method M(i: int, s: string, n: ?string, f: ?float, o: ?object, e: ?(one, two), m: ?[string][]int, b: ?bool,
      t: ?T, l: ?[]T) -> ()
    """)
  let fields = try #require(interface.method("M")).input
  let object = try #require(try JSONParser.parse(text).object)
  #expect(interface.fault(in: object, against: fields) == fault)
}

@Test func noTextCrashesTheParser() {
  var random = SeededGenerator(for: #function)
  let seed = Array(Bench.description.utf8)
  for _ in 0..<repetitions(1500) {
    let text = String(decoding: random.mutate(seed), as: UTF8.self)
    if let interface = try? InterfaceDescription(text, dialect: .whole) {
      #expect(interface.text == text)
    }
  }
}
