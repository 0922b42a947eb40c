// swift-tools-version: 6.2
import PackageDescription

let package = Package(
  name: "uart-example",
  dependencies: [
    // In a copy of this folder, write the next line instead, with the address of docs/swift.md:
    // .package(url: "https://git.interruptsync.example/interruptsync.git", from: "0.1.0")
    .package(name: "interruptsync", path: "../..")
  ],
  targets: [
    .executableTarget(
      name: "uart-example",
      dependencies: [.product(name: "InterruptSync", package: "interruptsync")], path: ".")
  ],
  swiftLanguageModes: [.v6]
)
