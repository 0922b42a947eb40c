// An NVMe disk driven by this program alone, through an IOMMU. What it writes overwrites what was on the
// disk. Run as root, or as a user who may open the node of the device's IOMMU group:
//   nvme-example pci-0000:01:00.0
//   nvme-example pci-0000:01:00.0 read FILE FIRST COUNT
//   nvme-example pci-0000:01:00.0 write FILE FIRST
import FoundationEssentials
import Glibc
import InterruptSync

/// Reads or writes `count` blocks, or those that the file has.
func move(_ file: URL, _ first: UInt64, _ count: UInt64?, _ disk: Disk) async throws {
  let data = count == nil ? [UInt8](try Data(contentsOf: file)) : []
  let count = count ?? UInt64(data.count / disk.blockSize)
  guard data.count % disk.blockSize == 0, count > 0, first < disk.blocks,
    count <= disk.blocks - first
  else { throw Failure(description: "the disk has no \(count) whole blocks from \(first) on") }
  if data.isEmpty {
    try Data(try await disk.read(first..<first + count)).write(to: file)
  } else {
    try await disk.write(data, to: first..<first + count)
  }
}

let words = CommandLine.arguments
let numbers = words.dropFirst(4).compactMap { UInt64($0) }
let forms = [2: "", 5: "write", 6: "read"]
guard let form = forms[words.count], form == words.dropFirst(2).first ?? "",
  numbers.count == max(0, words.count - 4)
else {
  print("usage: nvme-example DEVICE [read FILE FIRST COUNT | write FILE FIRST]")
  exit(64)
}
do {
  let disk = try await Disk(words[1])
  print("nvme: \(disk.name): \(disk.blocks) blocks of \(disk.blockSize) bytes")
  if let first = numbers.first {
    try await move(URL(filePath: words[3]), first, numbers.dropFirst().first, disk)
  }
  try disk.close()
  for queue in disk.queues { print("queue \(queue.number): \(queue.interrupts) interrupts") }
} catch {
  print("nvme-example: \(error)")
  exit(1)
}
