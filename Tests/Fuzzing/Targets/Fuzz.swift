// fuzz TARGET ARGUMENT...: libFuzzer over one of the targets. `fuzz` alone prints their names.
import Glibc

/// libFuzzer's own driver; its `main` is not taken, as SwiftPM names ours.
@_silgen_name("LLVMFuzzerRunDriver")
private func runDriver(
  _ count: UnsafeMutablePointer<CInt>,
  _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?>,
  _ body: @convention(c) (UnsafePointer<UInt8>?, Int) -> CInt
) -> CInt

nonisolated(unsafe) private var target = Target(name: "", run: { _ in })

/// SwiftPM has the program begin here.
@_cdecl("fuzz_main")
public func fuzz(
  _ count: CInt, _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>
) -> CInt {
  let name = count > 1 ? arguments[1].map { String(cString: $0) } : nil
  guard let chosen = Target.all.first(where: { $0.name == name }) else {
    print(Target.all.filter { $0.name != "planted" }.map(\.name).joined(separator: " "))
    return count > 1 ? 2 : 0
  }
  target = chosen
  var count = count - 1
  var arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? = arguments + 1
  return runDriver(&count, &arguments) { data, size in
    target.run(Array(UnsafeBufferPointer(start: data, count: size)))
    return 0
  }
}
