// Windows interfaces, floor 5. No code. Spellings with a meaning for Windows' compilers and analysers, and none for
// ours: source annotations, calling conventions, parameter directions. The old `__in` and `__out` are missing: the
// C++ library uses these names.
#ifndef ISW_ANNOTATIONS_H
#define ISW_ANNOTATIONS_H

#define IN
#define OUT
#define OPTIONAL

#define _In_
#define _In_opt_
#define _In_z_
#define _In_reads_(count)
#define _In_reads_opt_(count)
#define _In_reads_bytes_(count)
#define _In_reads_bytes_opt_(count)
#define _In_range_(low, high)
#define _Inout_
#define _Inout_opt_
#define _Inout_updates_(count)
#define _Inout_updates_bytes_(count)
#define _Out_
#define _Out_opt_
#define _Out_writes_(count)
#define _Out_writes_opt_(count)
#define _Out_writes_bytes_(count)
#define _Out_writes_bytes_opt_(count)
#define _Outptr_
#define _Outptr_opt_
#define _Outptr_result_maybenull_
#define _COM_Outptr_
#define _Ret_maybenull_
#define _Ret_notnull_
#define _Reserved_
#define _Field_size_(count)
#define _Field_size_bytes_(count)
#define _Null_terminated_
#define _Printf_format_string_
#define _Points_to_data_
#define _Post_writable_byte_size_(size)
#define _Post_invalid_
#define _Pre_notnull_
#define _Must_inspect_result_
#define _Check_return_
#define _Success_(expression)
#define _When_(condition, annotations)
#define _At_(target, annotations)
#define _Function_class_(name)
#define _Use_decl_annotations_
#define _Analysis_assume_(expression)
#define _Acquires_lock_(lock)
#define _Releases_lock_(lock)
#define _Requires_lock_held_(lock)
#define _Requires_lock_not_held_(lock)
#define _Guarded_by_(lock)
#define _Interlocked_
#define _IRQL_requires_(level)
#define _IRQL_requires_max_(level)
#define _IRQL_requires_min_(level)
#define _IRQL_requires_same_
#define _IRQL_raises_(level)
#define _IRQL_saves_
#define _IRQL_restores_
#define _IRQL_saves_global_(kind, parameter)
#define _IRQL_restores_global_(kind, parameter)
#define _IRQL_always_function_min_(level)
#define _IRQL_uses_cancel_
#define _Kernel_clear_do_init_(answer)
#define _Kernel_requires_resource_held_(resource)
#define _Dispatch_type_(type)
#define __drv_aliasesMem
#define __drv_allocatesMem(kind)
#define __drv_freesMem(kind)
#define __drv_maxIRQL(level)
#define __drv_requiresIRQL(level)
#define __drv_sameIRQL
#define __drv_when(condition, annotations)

#define __cdecl
#define __stdcall
#define __fastcall
#define CDECL
#define FASTCALL
#define NTAPI
#define WINAPI
#define STDAPICALLTYPE
#define STDMETHODCALLTYPE
#define NTKERNELAPI
#define NTSYSAPI
#define NTHALAPI
#define PORTCLASSAPI
#define DECLSPEC_IMPORT
#define DECLSPEC_NOVTABLE
#define DECLSPEC_UUID(text)
#define DECLSPEC_ALIGN(bytes) __attribute__((aligned(bytes)))
#define DECLSPEC_NORETURN __attribute__((noreturn))
#define FORCEINLINE static inline __attribute__((always_inline, unused))
#define __forceinline inline __attribute__((always_inline))
#define __inline inline
#define UNREFERENCED_PARAMETER(parameter) ((void)(parameter))
#define DBG_UNREFERENCED_PARAMETER(parameter) ((void)(parameter))
#define UNREFERENCED_LOCAL_VARIABLE(variable) ((void)(variable))
#define C_ASSERT(condition) _Static_assert(condition, #condition)
#define ALLOC_TEXT(section, function)
#ifdef __cplusplus
#undef C_ASSERT
#define C_ASSERT(condition) static_assert(condition, #condition)
#endif

#endif
