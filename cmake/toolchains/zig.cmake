# macOS or FreeBSD from another system, with the compiler, the headers and the linker of zig: tools/platforms/zig.sh
# gets it.
#   POLLUX_ZIG          the program
#   POLLUX_ZIG_TARGET   as zig names it: aarch64-macos, x86_64-freebsd, …
#   CMAKE_SYSTEM_NAME   Darwin or FreeBSD
set(CMAKE_TRY_COMPILE_PLATFORM_VARIABLES POLLUX_ZIG POLLUX_ZIG_TARGET CMAKE_SYSTEM_NAME)
find_program(POLLUX_ZIG zig REQUIRED)

set(CMAKE_C_COMPILER ${POLLUX_ZIG} cc -target ${POLLUX_ZIG_TARGET})
set(CMAKE_CXX_COMPILER ${POLLUX_ZIG} c++ -target ${POLLUX_ZIG_TARGET})
# Without being asked it checks for undefined behaviour what is not optimised.
set(CMAKE_C_FLAGS_INIT -fno-sanitize=undefined)
set(CMAKE_CXX_FLAGS_INIT -fno-sanitize=undefined)
# What CMake starts by one name each.
foreach(tool ar ranlib)
    set(wrapper ${CMAKE_BINARY_DIR}/zig-${tool})
    if(NOT EXISTS ${wrapper})
        file(WRITE ${wrapper} "#!/bin/sh\nexec '${POLLUX_ZIG}' ${tool} \"$@\"\n")
        file(CHMOD ${wrapper} PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE)
    endif()
    string(TOUPPER ${tool} variable)
    set(CMAKE_${variable} ${wrapper} CACHE FILEPATH "" FORCE)
endforeach()
set(CMAKE_INSTALL_NAME_TOOL true CACHE FILEPATH "Nothing that is built here is installed")
set(CMAKE_OSX_SYSROOT "" CACHE STRING "zig brings its own")

# Nothing is run here: who asks a program for its tests is told of none.
set(CMAKE_CROSSCOMPILING_EMULATOR true)
# zig keeps what it has compiled, and makes no precompiled headers.
set(CMAKE_DISABLE_PRECOMPILE_HEADERS ON)

# Nothing of this machine's is for that one.
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
