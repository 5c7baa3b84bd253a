# Compiles SOURCE in BUILD with what PKG_CONFIG says about the Pollux below PREFIX, and runs it.
cmake_minimum_required(VERSION 3.20)

file(REMOVE_RECURSE "${BUILD}")
file(MAKE_DIRECTORY "${BUILD}")

# The folder of libraries has another name on each system.
file(GLOB_RECURSE pc_file "${PREFIX}/pollux.pc")
get_filename_component(pc_directory "${pc_file}" DIRECTORY)
# OpenSSL's may be known through the environment.
set(ENV{PKG_CONFIG_PATH} "${pc_directory}:$ENV{PKG_CONFIG_PATH}")

execute_process(
    COMMAND "${PKG_CONFIG}" --cflags --libs pollux
    OUTPUT_VARIABLE flags
    OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
separate_arguments(flags UNIX_COMMAND "${flags}")

execute_process(COMMAND "${COMPILER}" -std=c++20 "${SOURCE}" -o "${BUILD}/echo" ${flags} COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND "${BUILD}/echo" TIMEOUT 60 COMMAND_ERROR_IS_FATAL ANY)
