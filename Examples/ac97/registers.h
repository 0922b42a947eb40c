// Registers of the AC'97 controller in Intel's 82801AA (ICH), as named in chapter 13 of its data sheet, and of the codec
// behind it, as numbered in "Audio Codec '97", revision 2.3, section 5.7.
#ifndef AC97_REGISTERS_H
#define AC97_REGISTERS_H

#include "wdm.h"

enum : ULONG {
  // First I/O BAR: the codec's mixer, 16 bits each.
  CODEC_RESET = 0x00,          // any write resets
  CODEC_MASTER_VOLUME = 0x02,  // 0: not muted, not attenuated
  CODEC_PCM_OUT_VOLUME = 0x18,
  CODEC_VOLUME_0_DB = 0x0808,

  // Second I/O BAR: the bus masters; PCM out has the ports from 0x10.
  PO_BDBAR = 0x10,           // 32 bits: where the descriptor list is
  PO_CIV = 0x14,             // 8 bits: the descriptor that is being played
  PO_LVI = 0x15,             // 8 bits: the last valid one
  PO_SR = 0x16,              // 16 bits: status; the events are cleared by writing them back
  SR_DCH = 0x01,             // halted
  SR_LVBCI = 0x04,           // event: the last valid buffer has been played
  SR_BCIS = 0x08,            // event: a buffer with DESCRIPTOR_IOC has been played
  SR_FIFOE = 0x10,           // event: memory was too slow
  SR_EVENTS = SR_LVBCI | SR_BCIS | SR_FIFOE,
  PO_CR = 0x1b,              // 8 bits: control
  CR_RUN = 0x01,
  CR_RESET = 0x02,           // reads 0 again when done
  CR_INTERRUPTS = 0x1c,      // for each of the three events
  GLOB_CNT = 0x2c,           // 32 bits
  GLOB_CNT_RUN = 0x02,       // clear holds the link to the codec in reset
  GLOB_STA = 0x30,           // 32 bits
  GLOB_STA_READY = 1 << 8,   // the codec answers

  DESCRIPTORS = 32,
  DESCRIPTOR_IOC = 1u << 31,  // interrupt on completion
};

/// An entry of the descriptor list.
struct Descriptor {
  ULONG address;  // physical
  ULONG length;   // samples of 16 bits, of all channels together; and flags
};

#endif
