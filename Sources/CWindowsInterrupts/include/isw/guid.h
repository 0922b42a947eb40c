// Windows interfaces, floor 5: how interface and class identifiers are declared, defined and compared. types.h includes
// it, so drivers and every header have it. A source that defines INITGUID before a header, or includes initguid.h
// before the header that declares an identifier, defines the identifier; each definition is weak, so that several
// sources may. Identifiers are constants: any thread, no lock.
#ifndef ISW_GUID_H
#define ISW_GUID_H

#ifndef GUID_DEFINED
#define GUID_DEFINED
typedef struct _GUID {
  uint32_t Data1;
  uint16_t Data2, Data3;
  uint8_t Data4[8];
} GUID, *LPGUID;
#endif
typedef GUID IID, CLSID;
typedef const GUID *LPCGUID;

#ifdef __cplusplus
typedef const GUID &REFGUID;
typedef const IID &REFIID;
typedef const CLSID &REFCLSID;
inline bool operator==(const GUID &a, const GUID &b) { return __builtin_memcmp(&a, &b, sizeof a) == 0; }
inline bool operator!=(const GUID &a, const GUID &b) { return !(a == b); }
inline BOOLEAN IsEqualGUIDAligned(const GUID &a, const GUID &b) { return a == b; }
inline BOOLEAN IsEqualGUID(const GUID &a, const GUID &b) { return a == b; }
#else
typedef const GUID *REFGUID;
typedef const IID *REFIID;
typedef const CLSID *REFCLSID;
#define IsEqualGUIDAligned(a, b) ((BOOLEAN)(__builtin_memcmp((a), (b), sizeof(GUID)) == 0))
#define IsEqualGUID(a, b) IsEqualGUIDAligned(a, b)
#endif
#define IsEqualIID(a, b) IsEqualGUID(a, b)

#endif

// Again with each include: INITGUID may have come in between.
#undef DEFINE_GUID
#ifdef INITGUID
#define DEFINE_GUID(name, a, b, c, d0, d1, d2, d3, d4, d5, d6, d7)                                                \
  EXTERN_C const GUID name __attribute((weak));                                                                   \
  const GUID name = {a, b, c, {d0, d1, d2, d3, d4, d5, d6, d7}}
#else
#define DEFINE_GUID(name, a, b, c, d0, d1, d2, d3, d4, d5, d6, d7) EXTERN_C const GUID name
#endif
