// swift-tools-version: 6.2
import PackageDescription

let strict: [SwiftSetting] = [
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .strictMemorySafety(),
  .treatAllWarnings(as: .error),
]

/// What may be called with a size that the compiler knows is checked at run time.
let fortified: [CSetting] = [.define("_FORTIFY_SOURCE", to: "2", .when(configuration: .release))]

let package = Package(
  name: "InterruptSync",
  products: [
    .library(
      name: "InterruptSync",
      targets: ["InterruptSync", "UIO", "VFIO", "GPIO", "DeviceIdentity", "DeviceRegisters"]),
    // libinterruptsync.so, for every language that speaks C; `make lib` gives it its name and exports.
    .library(
      name: "interruptsync", type: .dynamic,
      targets: ["InterruptSyncC", "WindowsInterrupts", "CWindowsInterrupts"]),
    // For programs that talk to the daemon.
    .library(name: "InterruptSyncClient", targets: ["InterruptSyncClient"]),
    .executable(name: "interruptsyncd", targets: ["interruptsyncd"]),
    .executable(name: "interruptsyncctl", targets: ["interruptsyncctl"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2")
  ],
  targets: [
    // Floor 0: what the kernel gives every program, the hot path's inlines, the system's libraries.
    .target(name: "CLinuxSystem", cSettings: fortified),
    .target(name: "CUIO", dependencies: ["CLinuxSystem"], cSettings: fortified),
    .target(name: "CVFIO", dependencies: ["CLinuxSystem"], cSettings: fortified),
    .target(name: "CGPIO", dependencies: ["CLinuxSystem"], cSettings: fortified),
    // Linked by its module map, and not found by pkg-config: SwiftPM would look for it in every package that
    // depends on this one, also where nothing takes it.
    .systemLibrary(name: "CUdev"),
    // Floor 1: the Swift face of the kernel.
    .target(name: "LinuxSystem", dependencies: ["CLinuxSystem"], swiftSettings: strict),
    // Floor 2: regions and typed registers, whoever owns the memory.
    .target(
      name: "DeviceRegisters", dependencies: ["CUIO", "LinuxSystem"], swiftSettings: strict),
    // Floor 2: which devices there are, as values.
    .target(
      name: "DeviceIdentity", dependencies: ["DeviceRegisters", "LinuxSystem"],
      swiftSettings: strict),
    // Floor 3: devices as the kernel exports them, as open handles.
    .target(
      name: "UIO",
      dependencies: ["CLinuxSystem", "CUIO", "DeviceIdentity", "DeviceRegisters", "LinuxSystem"],
      swiftSettings: strict),
    .target(
      name: "VFIO",
      dependencies: [
        "CLinuxSystem", "CUIO", "CVFIO", "DeviceIdentity", "DeviceRegisters", "LinuxSystem",
      ],
      swiftSettings: strict),
    .target(
      name: "GPIO", dependencies: ["CGPIO", "CUIO", "DeviceIdentity", "LinuxSystem"],
      swiftSettings: strict),
    // Floor 4: the model.
    .target(
      name: "InterruptSync", dependencies: ["CUIO", "GPIO", "LinuxSystem", "UIO", "VFIO"],
      swiftSettings: strict),
    // Floor 5: the plain C interface. Its header is written by hand; Swift implements it.
    .target(name: "CInterruptSync", exclude: ["packaging"]),
    .target(name: "CHandleTable", dependencies: ["CLinuxSystem"], cSettings: fortified),
    .target(
      name: "InterruptSyncC",
      dependencies: [
        "CHandleTable", "CInterruptSync", "CUIO", "GPIO", "LinuxSystem", "UIO", "VFIO",
        "InterruptSync",
      ],
      swiftSettings: strict),
    // Floor 5: Windows' shapes.
    .target(name: "CWindowsInterrupts", dependencies: ["CUIO"], cSettings: fortified),
    .target(
      name: "WindowsInterrupts",
      dependencies: ["CUIO", "CWindowsInterrupts", "LinuxSystem", "UIO", "VFIO", "InterruptSync"],
      swiftSettings: strict),
    // Floor 5: finding devices.
    .target(
      name: "DeviceInventory", dependencies: ["CUdev", "DeviceIdentity", "LinuxSystem"],
      swiftSettings: strict),
    // Floor 5: the protocol of the control plane.
    .target(
      name: "Varlink", dependencies: ["CLinuxSystem", "LinuxSystem"], swiftSettings: strict),
    // Floor 6: the daemon's body.
    .target(
      name: "InterruptSyncService",
      dependencies: [
        "CInterruptSync", "CUIO", "DeviceIdentity", "LinuxSystem", "UIO", "VFIO", "InterruptSync",
        "DeviceInventory", "Varlink",
      ],
      resources: [.embedInCode("Clients/io.interruptsync.varlink")],
      swiftSettings: strict),
    // Floor 6: the daemon's clients.
    .target(
      name: "InterruptSyncClient", dependencies: ["CUIO", "LinuxSystem", "UIO", "Varlink"],
      swiftSettings: strict),
    // Floor 7: the programs.
    .executableTarget(
      name: "interruptsyncctl",
      dependencies: [
        "CUIO", "DeviceIdentity", "LinuxSystem", "UIO", "Varlink", "DeviceInventory",
        "InterruptSyncClient", "InterruptSyncService",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      swiftSettings: strict),
    .executableTarget(
      name: "interruptsyncd",
      dependencies: [
        "InterruptSyncService", "LinuxSystem",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      swiftSettings: strict),
    // Small real drivers, each run by the tests.
    .executableTarget(
      name: "edu-example", dependencies: ["InterruptSync"], path: "Examples/edu",
      exclude: ["Package.swift"], swiftSettings: strict),
    .executableTarget(
      name: "uart-example", dependencies: ["InterruptSync"], path: "Examples/uart",
      exclude: ["Package.swift"], swiftSettings: strict),
    .executableTarget(
      name: "hpet-example", dependencies: ["InterruptSync"], path: "Examples/hpet",
      exclude: ["Package.swift"], swiftSettings: strict),
    .executableTarget(
      name: "nvme-example", dependencies: ["InterruptSync"], path: "Examples/nvme",
      exclude: ["Package.swift"], swiftSettings: strict),
    // What is measured, beside its peers.
    .target(name: "CFloor", path: "Benchmarks/CFloor"),
    .target(
      name: "CWindowsSurface", dependencies: ["CWindowsInterrupts"],
      path: "Benchmarks/CWindowsSurface"),
    .executableTarget(
      name: "interruptsync-bench",
      dependencies: [
        "CFloor", "CInterruptSync", "CMallocCounter", "CWindowsSurface", "CUIO", "UIO", "VFIO",
        "InterruptSync", "InterruptSyncClient", "LinuxSystem", "WindowsInterrupts",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ], path: "Benchmarks/InterruptSyncBench", swiftSettings: strict),
    .executableTarget(
      name: "instruction-probe",
      dependencies: [
        "CFloor", "CInterruptSync", "CUIO", "CWindowsSurface", "InterruptSync", "InterruptSyncC",
        "WindowsInterrupts",
      ],
      path: "Benchmarks/InstructionProbe", swiftSettings: strict),
    // What the hot path must not do.
    .target(name: "CMallocCounter", path: "Tests/HotPath/CMallocCounter"),
    .executableTarget(
      name: "hotpath-probe", dependencies: ["CMallocCounter", "InterruptSync"],
      path: "Tests/HotPath/HotPathProbe", swiftSettings: strict),
    // What runs inside the guests.
    .executableTarget(
      name: "guest-suite",
      dependencies: [
        "CGPIO", "CUIO", "CVFIO", "GPIO", "LinuxSystem", "UIO", "VFIO", "InterruptSync", "Varlink",
      ],
      path: "Tests/Hardware/GuestSuite", exclude: ["run.sh"],
      swiftSettings: [.treatAllWarnings(as: .error)]),
    // The C tests, linked with the sources instead of the library: for Swift's sanitizers.
    .executableTarget(
      name: "c-suite", dependencies: ["CInterruptSync", "InterruptSyncC"], path: "Tests/C",
      exclude: ["run"], cSettings: [.define("_GNU_SOURCE")]),
    // The protocol's certification, both sides.
    .executableTarget(
      name: "varlink-certification", dependencies: ["LinuxSystem", "Varlink"],
      path: "Tests/Varlink/Certification", swiftSettings: strict),
    // What lives under faults of system calls.
    .executableTarget(
      name: "fault-scenarios",
      dependencies: ["CLinuxSystem", "CUIO", "InterruptSync", "LinuxSystem"],
      path: "Tests/Faults/Scenarios"),
    .target(
      name: "TestSupport",
      dependencies: [
        "CGPIO", "CUIO", "CVFIO", "DeviceIdentity", "GPIO", "LinuxSystem", "VFIO",
      ],
      path: "Tests/TestSupport"),
    .testTarget(
      name: "LinuxSystemTests", dependencies: ["TestSupport", "CLinuxSystem", "LinuxSystem"]),
    .testTarget(
      name: "VarlinkTests", dependencies: ["TestSupport", "CLinuxSystem", "LinuxSystem", "Varlink"]),
    .testTarget(
      name: "InterruptSyncClientTests",
      dependencies: [
        "CUIO", "LinuxSystem", "UIO", "InterruptSync", "Varlink", "InterruptSyncClient",
        "InterruptSyncService",
      ]),
    .testTarget(
      name: "DeviceIdentityTests",
      dependencies: ["TestSupport", "DeviceIdentity", "LinuxSystem"]),
    .testTarget(
      name: "DeviceInventoryTests",
      dependencies: [
        "TestSupport", "DeviceIdentity", "LinuxSystem", "DeviceInventory", "InterruptSyncService",
      ]),
    .testTarget(
      name: "InterruptSyncControlTests",
      dependencies: [
        "TestSupport", "LinuxSystem", "UIO", "Varlink", "DeviceInventory", "InterruptSyncClient",
        "interruptsyncctl",
        "interruptsyncd", .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ]),
    .testTarget(
      name: "UIOTests",
      dependencies: [
        "TestSupport", "CUIO", "LinuxSystem", "DeviceIdentity", "DeviceRegisters", "UIO",
      ]),
    .testTarget(
      name: "VFIOTests",
      dependencies: [
        "TestSupport", "CLinuxSystem", "CUIO", "CVFIO", "LinuxSystem", "DeviceIdentity",
        "DeviceRegisters", "VFIO", "InterruptSync",
      ]),
    .testTarget(
      name: "GPIOTests",
      dependencies: [
        "TestSupport", "CGPIO", "CUIO", "LinuxSystem", "DeviceIdentity", "GPIO", "InterruptSync",
      ]),
    .testTarget(
      name: "InterruptSyncTests",
      dependencies: ["TestSupport", "CLinuxSystem", "CUIO", "LinuxSystem", "UIO", "InterruptSync"]),
    .testTarget(
      name: "InterruptSyncCTests",
      dependencies: [
        "TestSupport", "CInterruptSync", "GPIO", "InterruptSyncC", "LinuxSystem", "VFIO",
      ]),
    .testTarget(
      name: "WindowsInterruptsTests",
      dependencies: [
        "TestSupport", "CWindowsInterrupts", "LinuxSystem", "UIO", "VFIO", "WindowsInterrupts",
      ]),
    .testTarget(
      name: "InterruptSyncServiceTests",
      dependencies: [
        "TestSupport", "CUIO", "CLinuxSystem", "LinuxSystem", "UIO", "VFIO", "InterruptSync",
        "InterruptSyncService",
        "Varlink", "interruptsyncd",
      ]),
  ],
  swiftLanguageModes: [.v6],
  cxxLanguageStandard: .cxx17
)

// What is fuzzed, linked with libFuzzer: no other build has its driver. Tests/Fuzzing/run sets this.
if Context.environment["INTERRUPTSYNC_FUZZ"] != nil {
  package.targets.append(
    .executableTarget(
      name: "fuzz",
      dependencies: [
        "CInterruptSync", "CLinuxSystem", "CUIO", "DeviceIdentity", "DeviceRegisters",
        "InterruptSync", "InterruptSyncC", "InterruptSyncService", "LinuxSystem", "UIO", "Varlink",
      ],
      path: "Tests/Fuzzing/Targets"))
}

// What schedules the threads of the library at its pause points, which no other build has. Tests/Interleavings/run sets
// this, and defines LINUX_PAUSE_POINTS.
if Context.environment["INTERRUPTSYNC_INTERLEAVINGS"] != nil {
  package.targets += [
    .target(
      name: "CSchedule", dependencies: ["CLinuxSystem"], path: "Tests/Interleavings/CSchedule"),
    .executableTarget(
      name: "interleavings",
      dependencies: ["CLinuxSystem", "CSchedule", "CUIO", "InterruptSync", "LinuxSystem"],
      path: "Tests/Interleavings/Scenarios"),
  ]
}
