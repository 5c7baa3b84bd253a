# Passes if the compiler refuses SOURCE with POLLUX_MISUSE defined, for the reason that its "// error:" line names.
# COMPILE is the compiler with its options.
file(STRINGS "${SOURCE}" reason REGEX "^// error: ")
string(REGEX REPLACE "^// error: " "" reason "${reason}")
if(NOT reason)
    message(FATAL_ERROR "${SOURCE} has no line \"// error: <regular expression>\"")
endif()

execute_process(
    COMMAND ${COMPILE} -DPOLLUX_MISUSE "${SOURCE}"
    RESULT_VARIABLE result
    OUTPUT_VARIABLE output
    ERROR_VARIABLE output)

if(result EQUAL 0)
    message(FATAL_ERROR "The misuse in ${SOURCE} compiles")
endif()
if(NOT output MATCHES "${reason}")
    message(FATAL_ERROR "The misuse in ${SOURCE} is refused for another reason than \"${reason}\":\n${output}")
endif()
