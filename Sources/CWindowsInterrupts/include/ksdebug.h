// Windows interfaces, floor 5: the messages of sound drivers, which include it. Define STR_MODULENAME before this
// header, and DEBUG_LEVEL or DEBUG_VARIABLE to choose what is written: messages up to that level. Without DBG nothing
// is. Any thread, any level, no lock.
#ifndef ISW_KSDEBUG_H
#define ISW_KSDEBUG_H

#include "ntdef.h"

#include "isw/debug.h"

#define DEBUGLVL_ERROR 1
#define DEBUGLVL_TERSE 2
#define DEBUGLVL_VERBOSE 3
#define DEBUGLVL_BLAB 4

#if defined(DBG) && DBG
#ifndef STR_MODULENAME
#define STR_MODULENAME ""
#endif
#ifndef DEBUG_LEVEL
#ifdef DEBUG_VARIABLE
#define DEBUG_LEVEL DEBUG_VARIABLE
#else
#define DEBUG_LEVEL DEBUGLVL_TERSE
#endif
#endif
#ifdef DEBUG_VARIABLE
__attribute((unused)) static LONG DEBUG_VARIABLE = DEBUGLVL_TERSE;
#endif
/// `text` is an argument list of DbgPrint in parentheses.
#define _DbgPrintF(level, text)          \
  do {                                   \
    if ((level) <= DEBUG_LEVEL) {        \
      DbgPrint("%s", STR_MODULENAME);    \
      DbgPrint text;                     \
      DbgPrint("\n");                    \
    }                                    \
  } while (0)
#else
#define _DbgPrintF(level, text) ((void)0)
#endif

#endif
