"""Clients of interruptsyncd, the daemon that services the interrupts of Linux UIO and VFIO devices.

`Client` waits for its answers, `AsyncClient` is for asyncio. Both list devices, run transactions on registers, follow
interrupts, and take over a device's line. The tutorial is docs/python.md.
"""
from .aio import AsyncAttachedDevice, AsyncClient, AsyncStream
from .aio_ring import AsyncRing
from .client import AttachedDevice, Client, Stream
from .errors import (BadRegister, Busy, Code, ConfigurationRejected, DeviceGone, Diagnostic, Disconnected,
                     InterruptSyncError, InvalidArgument, NoSuchDevice, NotAllowed, NotAttached, NotRunning,
                     PermissionDenied, ProtocolViolation, ResourcesExhausted, SystemFailure, TimedOut, TooLarge,
                     TooManyRegistrations, Unsupported, WaitExpired, WrongState)
from .model import (Bucket, Device, DeviceChange, DeviceHistograms, Event, Histogram, InterruptRecord,
                    InterruptSummary, Measure, Region, RoutineStatistics, State, Statistics)
from .registers import Operation, Registers, read, update, wait, write
from .ring import Ring

__version__ = "0.1.0"

__all__ = [
    "AsyncAttachedDevice", "AsyncClient", "AsyncRing", "AsyncStream", "AttachedDevice", "BadRegister", "Bucket",
    "Busy", "Client", "Code", "ConfigurationRejected", "Device", "DeviceChange", "DeviceGone", "DeviceHistograms",
    "Diagnostic", "Disconnected", "Event", "Histogram", "InterruptRecord", "InterruptSummary", "InterruptSyncError",
    "InvalidArgument", "Measure", "NoSuchDevice", "NotAllowed", "NotAttached", "NotRunning", "Operation",
    "PermissionDenied", "ProtocolViolation", "Region", "Registers", "ResourcesExhausted", "Ring",
    "RoutineStatistics", "State", "Statistics", "Stream", "SystemFailure", "TimedOut", "TooLarge",
    "TooManyRegistrations", "Unsupported", "WaitExpired", "WrongState", "read", "update", "wait", "write",
]
