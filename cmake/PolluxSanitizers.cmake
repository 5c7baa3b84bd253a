# pollux_sanitize(target): applies POLLUX_SANITIZE and POLLUX_FUZZ to a target and to everything in this build that links it.
set(pollux_sanitize_flags "${POLLUX_SANITIZE}")

if(POLLUX_FUZZ)
    if(NOT CMAKE_CXX_COMPILER_ID MATCHES "Clang")
        message(FATAL_ERROR "POLLUX_FUZZ needs clang, and the compiler is ${CMAKE_CXX_COMPILER_ID}: use --preset fuzz")
    endif()
    if(NOT POLLUX_SANITIZE MATCHES "fuzzer")
        # The fuzzers alone link libFuzzer's main; the rest is only instrumented for it.
        list(APPEND pollux_sanitize_flags fuzzer-no-link)
        list(JOIN pollux_sanitize_flags "," pollux_sanitize_flags)
    endif()
endif()

if(pollux_sanitize_flags AND MSVC AND NOT POLLUX_SANITIZE STREQUAL "address")
    message(FATAL_ERROR "MSVC has the address sanitizer only, and POLLUX_SANITIZE is \"${POLLUX_SANITIZE}\"")
endif()

function(pollux_sanitize target)
    if(NOT pollux_sanitize_flags)
        return()
    endif()
    if(MSVC)
        target_compile_options(${target} PUBLIC $<BUILD_INTERFACE:/fsanitize=address>)
        return()
    endif()
    # -g1: reports need lines only.
    set(compile_flags "-fsanitize=${pollux_sanitize_flags}" -fno-sanitize-recover=all -fno-omit-frame-pointer -g1)
    target_compile_options(${target} PUBLIC "$<BUILD_INTERFACE:${compile_flags}>")
    # Unoptimised, what moves much data is too slow. The tests that link it are not: they take half as long to compile.
    target_compile_options(${target} PRIVATE -O1)
    target_link_options(${target} PUBLIC "$<BUILD_INTERFACE:-fsanitize=${pollux_sanitize_flags}>")
endfunction()
