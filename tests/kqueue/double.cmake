# The double of kqueue becomes part of the library.
set(kqueue_double ${CMAKE_CURRENT_LIST_DIR}/double)
list(
    APPEND platform_sources
    ${kqueue_double}/datagram_settings.cpp
    ${kqueue_double}/event_queue.cpp
    ${kqueue_double}/kqueue.cpp
    ${kqueue_double}/socket_state.cpp)
target_include_directories(pollux SYSTEM PRIVATE ${kqueue_double})
target_include_directories(pollux_inner_headers SYSTEM INTERFACE ${kqueue_double})
