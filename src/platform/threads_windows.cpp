// Threads on Windows. A core's number counts through the processor groups, which hold up to 64 each.
#include <windows.h>

#include <bit>
#include <climits>
#ifdef __MINGW32__
#include <cxxabi.h>
#endif

#include "platform/platform.h"
#include "platform/threads.h"

namespace pollux::platform {

namespace {

constexpr unsigned cores_per_group = sizeof(KAFFINITY) * CHAR_BIT;

#ifdef __MINGW32__
// MinGW's GCC frees the thread-local variables of a thread, and calls their destructors, by two keys of POSIX threads,
// which are gone through in the order in which they were made. Made by whoever comes first, the one that frees comes
// first: destructors would find nothing but freed memory. So the one that calls is made before anything runs.
[[gnu::constructor(101)]] void make_key_of_destructors() {
    static_cast<void>(abi::__cxa_thread_atexit([](void*) {}, nullptr, nullptr));
}
#endif

}  // namespace

std::vector<unsigned> available_cores() {
    std::vector<unsigned> available;
    DWORD_PTR allowed = 0;
    DWORD_PTR present = 0;
    const WORD groups = ::GetActiveProcessorGroupCount();
    if (groups == 1 && ::GetProcessAffinityMask(::GetCurrentProcess(), &allowed, &present) != 0) {
        for (unsigned core = 0; core < cores_per_group; ++core) {
            if ((allowed >> core & 1) != 0) available.push_back(core);
        }
    } else {
        // There the mask tells nothing; a process may run its threads in every group.
        for (WORD group = 0; group < groups; ++group) {
            const DWORD cores = ::GetActiveProcessorCount(group);
            for (unsigned core = 0; core < cores; ++core) available.push_back(group * cores_per_group + core);
        }
    }
    if (available.empty()) available.push_back(0);
    return available;
}

std::error_code pin_current_thread(unsigned core) {
    const unsigned group = core / cores_per_group;
    if (group >= ::GetActiveProcessorGroupCount()) return std::make_error_code(std::errc::invalid_argument);
    GROUP_AFFINITY affinity{};
    affinity.Group = static_cast<WORD>(group);
    affinity.Mask = KAFFINITY{1} << (core % cores_per_group);
    if (::SetThreadGroupAffinity(::GetCurrentThread(), &affinity, nullptr) != 0) return {};
    return system_error(static_cast<int>(::GetLastError()));
}

void name_current_thread(const std::string& name) {
    // By its name: it came with Windows 10, and not every header declares it.
    using SetDescription = HRESULT(WINAPI*)(HANDLE, PCWSTR);
    const FARPROC function = ::GetProcAddress(::GetModuleHandleW(L"kernel32.dll"), "SetThreadDescription");
    if (function == nullptr) return;
    const std::wstring wide(name.begin(), name.end());  // the names the engine gives are ASCII
    reinterpret_cast<SetDescription>(reinterpret_cast<void*>(function))(::GetCurrentThread(), wide.c_str());
}

}  // namespace pollux::platform
