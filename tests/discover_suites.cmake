# cmake -D PROGRAM=… -D NAME_PREFIX=… -D LABEL=… -D SECONDS=… -D FOLDER=… -D OUTPUT=… -P discover_suites.cmake: writes a
# CTest file with one test for each suite of a GoogleTest program. Under sanitizers a process takes longer to begin than
# most tests take, so those of a suite share one.
execute_process(
    COMMAND ${PROGRAM} --gtest_list_tests
    OUTPUT_VARIABLE listing
    RESULT_VARIABLE result)
if(NOT result EQUAL 0)
    message(FATAL_ERROR "${PROGRAM} cannot list its tests (${result})\n${listing}")
endif()

# Suites begin their lines and end in a dot; a comment with their type may follow. Tests are indented.
string(REGEX MATCHALL "(^|\n)[A-Za-z0-9_/]+\\." suites "${listing}")
set(tests "")
foreach(suite IN LISTS suites)
    string(STRIP "${suite}" suite)
    string(REGEX REPLACE "\\.$" "" suite "${suite}")
    string(APPEND tests "add_test([=[${NAME_PREFIX}${suite}]=] [=[${PROGRAM}]=] [=[--gtest_filter=${suite}.*]=])\n"
                        "set_tests_properties([=[${NAME_PREFIX}${suite}]=] PROPERTIES LABELS ${LABEL} "
                        "TIMEOUT ${SECONDS} WORKING_DIRECTORY [=[${FOLDER}]=])\n")
endforeach()
file(WRITE ${OUTPUT} "${tests}")
