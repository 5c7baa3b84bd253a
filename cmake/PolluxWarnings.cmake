# pollux_set_warnings(target): the warnings that Pollux's own code is free of.
function(pollux_set_warnings target)
    if(MSVC)
        # Not C4324: padding is what an alignment is for. Not what is said of standard functions such as std::getenv.
        target_compile_options(${target} PRIVATE /W4 /wd4324 /permissive- /utf-8 /Zc:__cplusplus /Zc:preprocessor /EHsc
                                                 /bigobj)
        target_compile_definitions(${target} PRIVATE _CRT_SECURE_NO_WARNINGS)
        if(POLLUX_WARNINGS_AS_ERRORS)
            target_compile_options(${target} PRIVATE /WX)
        endif()
        return()
    endif()

    target_compile_options(
        ${target}
        PRIVATE -Wall
                -Wextra
                -Wpedantic
                -Wshadow
                -Wconversion
                -Wsign-conversion
                -Wcast-align
                -Wcast-qual
                -Wdouble-promotion
                -Wextra-semi
                -Wformat=2
                -Wimplicit-fallthrough
                -Wnon-virtual-dtor
                -Wold-style-cast
                -Woverloaded-virtual
                -Wundef
                -Wunused)
    if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
        target_compile_options(${target} PRIVATE -Wduplicated-cond -Wduplicated-branches -Wredundant-decls)
        if(CMAKE_CXX_COMPILER_VERSION VERSION_GREATER_EQUAL 12 AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
            # GCC bug 105651: `"text" + std::string` is reported as overlapping memory when it is inlined.
            target_compile_options(${target} PRIVATE -Wno-restrict)
        endif()
        if(POLLUX_SANITIZE)
            # The checks that sanitizers insert hide from GCC that a value is always set.
            target_compile_options(${target} PRIVATE -Wno-maybe-uninitialized)
        endif()
    endif()
    if(POLLUX_WARNINGS_AS_ERRORS)
        target_compile_options(${target} PRIVATE -Werror)
    endif()
endfunction()
