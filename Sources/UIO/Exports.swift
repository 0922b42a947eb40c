// What UIO stands on stays visible to those who import UIO.
@_exported public import LinuxSystem
