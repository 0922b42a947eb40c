// Windows interfaces, floor 5: the annotations of the kits before 2012, for drivers that use them; annotations.h
// includes it. The C++ library has parameters named `__in` and `__out`, so C++ has those with
// INTERRUPTSYNC_WINDOWS_SOURCE only, and has to include that library first. Only macros: no thread, no lock.
#ifndef ISW_OLD_ANNOTATIONS_H
#define ISW_OLD_ANNOTATIONS_H

#if !defined(__cplusplus) || defined(INTERRUPTSYNC_WINDOWS_SOURCE)
#define __in
#define __in_opt
#define __in_z
#define __in_ecount(count)
#define __in_ecount_opt(count)
#define __in_bcount(size)
#define __in_bcount_opt(size)
#define __out
#define __out_opt
#define __out_ecount(count)
#define __out_ecount_opt(count)
#define __out_ecount_part(count, length)
#define __out_bcount(size)
#define __out_bcount_opt(size)
#define __out_bcount_part(size, length)
#define __out_bcount_full(size)
#define __deref_out
#define __deref_out_opt
#define __deref_opt_out
#define __inout
#define __inout_opt
#define __inout_ecount(count)
#define __inout_bcount(size)
#define __inout_bcount_opt(size)
#define __reserved
#define __checkReturn
#define __success(expression)
#define __field_ecount(count)
#define __field_bcount(size)
#define __nullterminated
#define __callback
#endif

#define __drv_aliasesMem
#define __drv_allocatesMem(kind)
#define __drv_freesMem(kind)
#define __drv_preferredFunction(name, reason)
#define __drv_reportError(text)
#define __drv_requiresIRQL(level)
#define __drv_maxIRQL(level)
#define __drv_minIRQL(level)
#define __drv_raisesIRQL(level)
#define __drv_savesIRQL
#define __drv_restoresIRQL
#define __drv_savesIRQLGlobal(kind, parameter)
#define __drv_restoresIRQLGlobal(kind, parameter)
#define __drv_setsIRQL(level)
#define __drv_useCancelIRQL
#define __drv_sameIRQL
#define __drv_functionClass(name)
#define __drv_dispatchType(type)
#define __drv_arg(parameter, annotations)
#define __drv_in(annotations)
#define __drv_out(annotations)
#define __drv_out_deref(annotations)
#define __drv_acquiresResource(kind)
#define __drv_releasesResource(kind)
#define __drv_mustHold(kind)
#define __drv_mustHoldCriticalRegion
#define __drv_neverHold(kind)
#define __drv_inTry
#define __drv_notInTry
#define __drv_when(condition, annotations)
#define __drv_valueIs(values)
#define __drv_constant
#define __drv_nonConstant
#define __drv_strictTypeMatch(mode)
#define __drv_interlocked

#endif
