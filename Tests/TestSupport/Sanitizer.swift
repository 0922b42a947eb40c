import Glibc

/// Under a sanitizer, which makes everything several times slower.
public let isSanitized = getenv("INTERRUPTSYNC_SANITIZER") != nil

/// A number of repetitions, a tenth of it under a sanitizer.
public func repetitions(_ count: Int) -> Int { isSanitized ? count / 10 : count }
