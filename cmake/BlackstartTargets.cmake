# SPDX-License-Identifier: Apache-2.0
# How the project's libraries, programs and tests are declared.

set(BLACKSTART_SANITIZE "" CACHE STRING "Sanitizers to build with, as -fsanitize= takes them")

add_library(blackstart_settings INTERFACE)
target_compile_features(blackstart_settings INTERFACE cxx_std_20)
target_include_directories(blackstart_settings INTERFACE ${CMAKE_SOURCE_DIR})
target_compile_options(blackstart_settings INTERFACE
  $<$<COMPILE_LANGUAGE:CXX>:-Wall -Wextra -Wpedantic -Wshadow -Wno-missing-field-initializers>)
target_compile_definitions(blackstart_settings INTERFACE BLACKSTART_VERSION="${PROJECT_VERSION}")
if(BLACKSTART_SANITIZE)
  target_compile_options(blackstart_settings INTERFACE -fsanitize=${BLACKSTART_SANITIZE} -fno-omit-frame-pointer)
  target_link_options(blackstart_settings INTERFACE -fsanitize=${BLACKSTART_SANITIZE})
endif()

# blackstart_library(NAME SOURCES... [LINK target...])
function(blackstart_library name)
  cmake_parse_arguments(ARG "" "" "LINK" ${ARGN})
  add_library(${name} STATIC ${ARG_UNPARSED_ARGUMENTS})
  target_link_libraries(${name} PUBLIC blackstart_settings ${ARG_LINK})
endfunction()

# blackstart_test(NAME TIER tier SOURCES... [LINK target...] [TIMEOUT seconds])
# One GoogleTest program = one CTest test, labelled with its tier. The netns and lab tiers touch the
# kernel's shared state, so they never run beside one another.
function(blackstart_test name)
  cmake_parse_arguments(ARG "" "TIER;TIMEOUT" "LINK" ${ARGN})
  add_executable(${name} ${ARG_UNPARSED_ARGUMENTS})
  target_link_libraries(${name} PRIVATE blackstart_settings ${ARG_LINK} GTest::gmock GTest::gtest_main)
  target_compile_definitions(${name} PRIVATE BLACKSTART_SOURCE_DIR="${CMAKE_SOURCE_DIR}"
                                             BLACKSTART_BINARY_DIR="${CMAKE_BINARY_DIR}")
  add_test(NAME ${name} COMMAND ${name})
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 120)
  endif()
  set_tests_properties(${name} PROPERTIES LABELS ${ARG_TIER} TIMEOUT ${ARG_TIMEOUT}
                       ENVIRONMENT GTEST_OUTPUT=xml:${CMAKE_BINARY_DIR}/results/${name}.xml)
  if(NOT ARG_TIER STREQUAL "unit")
    set_tests_properties(${name} PROPERTIES RESOURCE_LOCK kernel)
  endif()
endfunction()

# blackstart_long_test(PROGRAM TIMEOUT seconds ENVIRONMENT NAME=VALUE...)
# The same program once more, made to take its time: only ./dev test --long runs it.
function(blackstart_long_test program)
  cmake_parse_arguments(ARG "" "TIMEOUT" "ENVIRONMENT" ${ARGN})
  add_test(NAME ${program}_long COMMAND ${program})
  set_tests_properties(${program}_long PROPERTIES LABELS long TIMEOUT ${ARG_TIMEOUT} RESOURCE_LOCK kernel
    ENVIRONMENT "${ARG_ENVIRONMENT};GTEST_OUTPUT=xml:${CMAKE_BINARY_DIR}/results/${program}_long.xml")
endfunction()
