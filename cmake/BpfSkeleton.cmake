# SPDX-License-Identifier: Apache-2.0
# add_bpf_skeleton(NAME SOURCE.bpf.c): compiles SOURCE for the BPF target and generates NAME.skel.h.
# Link to target NAME to get the header; it is rebuilt when any header SOURCE includes changes.
function(add_bpf_skeleton name source)
  set(out ${CMAKE_CURRENT_BINARY_DIR}/${name})
  set(object ${out}/${name}.bpf.o)
  set(header ${out}/${name}.skel.h)
  file(MAKE_DIRECTORY ${out})
  execute_process(COMMAND ${CMAKE_C_COMPILER} -print-multiarch OUTPUT_VARIABLE multiarch
                  OUTPUT_STRIP_TRAILING_WHITESPACE)
  add_custom_command(
    OUTPUT ${object}
    COMMAND ${CLANG} -target bpf -mcpu=v3 -O2 -g -Wall -Wextra -Werror -MD -MF ${object}.d -MT ${object}
            -idirafter /usr/include/${multiarch} -I${CMAKE_SOURCE_DIR}
            -c ${CMAKE_CURRENT_SOURCE_DIR}/${source} -o ${object}
    DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${source}
    DEPFILE ${object}.d
    COMMENT "BPF ${source}" VERBATIM)
  add_custom_command(
    OUTPUT ${header}
    COMMAND ${BPFTOOL} gen skeleton ${object} name ${name} > ${header}
    DEPENDS ${object}
    COMMENT "BPF skeleton ${name}" VERBATIM)
  add_custom_target(${name}_generated DEPENDS ${header})
  add_library(${name} INTERFACE)
  add_dependencies(${name} ${name}_generated)
  target_include_directories(${name} SYSTEM INTERFACE ${out})
  target_link_libraries(${name} INTERFACE PkgConfig::LIBBPF)
endfunction()
