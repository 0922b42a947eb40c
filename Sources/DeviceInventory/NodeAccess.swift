// Whether this process may open a node, found out without opening it: some drivers keep one user
// only. Floor 5; LineInspection and interruptsyncctl doctor ask, on the program's one thread,
// without a lock.
import Glibc

/// What a process may do with a node.
package enum NodeAccess: Equatable, Sendable {
  /// It may be opened for reading and writing.
  case allowed
  case denied
  case absent

  package init(_ path: String) {
    if unsafe access(path, R_OK | W_OK) == 0 {
      self = .allowed
    } else {
      self = errno == ENOENT || errno == ENOTDIR ? .absent : .denied
    }
  }
}
