// Whether Windows is Wine's.
#include "common/wine.h"

#include <windows.h>

namespace pollux::test {

bool under_wine() {
    return ::GetProcAddress(::GetModuleHandleW(L"ntdll.dll"), "wine_get_version") != nullptr;
}

}  // namespace pollux::test
