package import LinuxSystem

/// What a method answered.
package struct VarlinkReply {
  package let parameters: JSONObject
  /// What was sent with it; parameters refer to them by number from 0.
  package let descriptors: [FileDescriptor]
  /// More replies follow.
  package let continues: Bool
}
