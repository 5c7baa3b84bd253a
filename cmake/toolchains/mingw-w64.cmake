# Windows programs made on Linux by mingw-w64, and run there by wine.
#   cmake -B build/windows -D CMAKE_TOOLCHAIN_FILE=cmake/toolchains/mingw-w64.cmake -D CMAKE_PREFIX_PATH=<OpenSSL for mingw>
set(CMAKE_SYSTEM_NAME Windows)
set(CMAKE_SYSTEM_PROCESSOR x86_64)

set(triplet x86_64-w64-mingw32)
# Debian has two of each; the one with POSIX threads has std::thread.
find_program(CMAKE_C_COMPILER NAMES ${triplet}-gcc-posix ${triplet}-gcc REQUIRED)
find_program(CMAKE_CXX_COMPILER NAMES ${triplet}-g++-posix ${triplet}-g++ REQUIRED)
set(CMAKE_RC_COMPILER ${triplet}-windres)

# Programs of the machine that builds, everything else of the one that runs.
list(APPEND CMAKE_FIND_ROOT_PATH /usr/${triplet} ${CMAKE_PREFIX_PATH})
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)

# No DLL is needed where a program runs, neither the compiler's nor zlib's, which would be found first.
set(CMAKE_EXE_LINKER_FLAGS_INIT "-static")
set(OPENSSL_USE_STATIC_LIBS ON)
set(ZLIB_LIBRARY /usr/${triplet}/lib/libz.a CACHE FILEPATH "")

find_program(POLLUX_WINE NAMES wine wine64 wine64-stable)
mark_as_advanced(POLLUX_WINE)
if(POLLUX_WINE)
    set(CMAKE_CROSSCOMPILING_EMULATOR ${POLLUX_WINE})
endif()
