# Instruction-set levels: each kernel file is compiled once per level into one object library, in
# the namespace tallow::cpu::<level>. csrc/backend/load.cpp picks a level when the module loads.

if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|amd64|AMD64)$")
  set(all_levels baseline avx2 avx512)
else()
  set(all_levels baseline)
endif()
set(TALLOW_CPU_LEVELS "${all_levels}" CACHE STRING "Instruction-set levels to compile.")

set(TALLOW_LEVEL_baseline 0)
set(TALLOW_LEVEL_avx2 1)
set(TALLOW_LEVEL_avx512 2)
set(TALLOW_FLAGS_baseline "")
if("avx2" IN_LIST all_levels AND NOT TALLOW_SANITIZE)
  # There the baseline is for CPUs made before 2013: keep it small, it is a third of the module.
  set(TALLOW_FLAGS_baseline -Os)
endif()
set(TALLOW_FLAGS_avx2 -mavx2 -mfma -mf16c)
set(TALLOW_FLAGS_avx512
  -mavx512f -mavx512vl -mavx512dq -mavx512bw -mavx2 -mfma -mf16c)

foreach(level IN LISTS TALLOW_CPU_LEVELS)
  if(NOT level IN_LIST all_levels)
    message(FATAL_ERROR "TALLOW_CPU_LEVELS: '${level}' is not one of ${all_levels}")
  endif()
endforeach()
if(NOT "baseline" IN_LIST TALLOW_CPU_LEVELS)
  message(FATAL_ERROR "TALLOW_CPU_LEVELS must contain baseline")
endif()

function(tallow_add_objects target level options)
  add_library(${target} OBJECT ${ARGN})
  target_link_libraries(${target} PRIVATE tallow_options)
  target_compile_options(${target} PRIVATE
    ${TALLOW_KERNEL_OPTIONS} ${options} ${TALLOW_FLAGS_${level}})
  target_compile_definitions(${target} PRIVATE
    TALLOW_ISA=${level} TALLOW_ISA_LEVEL=${TALLOW_LEVEL_${level}})
  target_sources(tallow_core PRIVATE $<TARGET_OBJECTS:${target}>)
endfunction()

function(tallow_add_kernels level)
  string(TOUPPER ${level} upper)
  set(sources ${TALLOW_KERNEL_SOURCES})
  list(REMOVE_ITEM sources ${TALLOW_COMPACT_KERNEL_SOURCES})
  tallow_add_objects(kernels_${level} ${level} "" ${sources})
  tallow_add_objects(compact_kernels_${level} ${level} "${TALLOW_COMPACT_KERNEL_OPTIONS}"
    ${TALLOW_COMPACT_KERNEL_SOURCES})
  target_compile_definitions(tallow_core PRIVATE TALLOW_HAS_${upper})
endfunction()
