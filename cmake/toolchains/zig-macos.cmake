# macOS from another system, with the compiler, the headers and the linker of zig: tools/platforms/macos.sh gets it.
#   POLLUX_ZIG          the program
#   POLLUX_MACOS_ARCH   aarch64 or x86_64
set(CMAKE_SYSTEM_NAME Darwin)
set(POLLUX_MACOS_ARCH aarch64 CACHE STRING "The processor: aarch64 or x86_64")
set(CMAKE_SYSTEM_PROCESSOR ${POLLUX_MACOS_ARCH})
set(CMAKE_TRY_COMPILE_PLATFORM_VARIABLES POLLUX_ZIG POLLUX_MACOS_ARCH)
find_program(POLLUX_ZIG zig REQUIRED)

set(CMAKE_C_COMPILER ${POLLUX_ZIG} cc -target ${POLLUX_MACOS_ARCH}-macos)
set(CMAKE_CXX_COMPILER ${POLLUX_ZIG} c++ -target ${POLLUX_MACOS_ARCH}-macos)
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
