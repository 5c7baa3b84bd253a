# Configures the project in SOURCE afresh in BUILD with ARGUMENTS, which "|" divides, builds it and runs its program
# `echo`.
file(REMOVE_RECURSE "${BUILD}")
string(REPLACE "|" ";" ARGUMENTS "${ARGUMENTS}")

execute_process(
    COMMAND ${CMAKE_COMMAND} -S "${SOURCE}" -B "${BUILD}" -G "${GENERATOR}" "-DCMAKE_CXX_COMPILER=${COMPILER}"
            "-DCMAKE_BUILD_TYPE=${CONFIG}" ${ARGUMENTS} COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND ${CMAKE_COMMAND} --build "${BUILD}" --config "${CONFIG}" COMMAND_ERROR_IS_FATAL ANY)

# A generator of several configurations puts the program in a folder of that name.
find_program(
    program echo
    PATHS "${BUILD}/${CONFIG}" "${BUILD}"
    NO_DEFAULT_PATH NO_CACHE REQUIRED)
execute_process(COMMAND "${program}" TIMEOUT 60 COMMAND_ERROR_IS_FATAL ANY)
