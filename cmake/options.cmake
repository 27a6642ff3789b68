# Options of the build and `tallow_options`, the flags that every target shares.

option(TALLOW_WERROR "Treat compiler warnings as errors." OFF)
option(TALLOW_INPLACE "Put the extension module into python/tallow of the source tree." OFF)
set(TALLOW_SANITIZE "" CACHE STRING "Sanitizers to compile in, for example address,undefined.")

if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "Kind of build." FORCE)
endif()
find_program(TALLOW_CCACHE ccache DOC "Compiler cache, used when present.")
if(TALLOW_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER "${TALLOW_CCACHE}")
endif()
# Only kernels gain from -O3, and they ask for it themselves.
set(CMAKE_CXX_FLAGS_RELEASE "-O2 -DNDEBUG")
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

add_library(tallow_options INTERFACE)
target_compile_features(tallow_options INTERFACE cxx_std_20)
target_include_directories(tallow_options INTERFACE "${PROJECT_SOURCE_DIR}/csrc")
target_compile_options(tallow_options INTERFACE
  -fvisibility=hidden -fvisibility-inlines-hidden
  # Every level and compiler must round alike: no contraction of a * b + c behind our back.
  -ffp-contract=off
  -Wall -Wextra -Wno-unused-parameter
  $<$<BOOL:${TALLOW_WERROR}>:-Werror>)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  # GCC 12 sees overlapping copies inside std::string where there are none (its bug 105651).
  target_compile_options(tallow_options INTERFACE -Wno-restrict)
endif()

# Kernels may drop what nobody observes: errno of <cmath> and floating-point traps. Values,
# infinities and NaN keep IEEE rules. No exception crosses the kernel table.
# No exception passes through a kernel's frame either, so nobody reads unwind tables.
set(TALLOW_KERNEL_OPTIONS -O3 -fno-math-errno -fno-trapping-math -fno-exceptions
  -fno-asynchronous-unwind-tables -fno-unwind-tables)
# Instead of -O3 for TALLOW_COMPACT_KERNEL_SOURCES.
set(TALLOW_COMPACT_KERNEL_OPTIONS -O2)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # GCC 12 vectorises next to nothing at -O2 without this.
  list(APPEND TALLOW_COMPACT_KERNEL_OPTIONS -ftree-vectorize -fvect-cost-model=dynamic)
  # Its second copy of every register block, for a matrix whose columns are neighbours, gains nothing.
  set_source_files_properties(csrc/cpu/gemm.cpp PROPERTIES
    COMPILE_OPTIONS -fno-version-loops-for-strides)
  # Vectors that are filled in part, by memcpy under a mask, look uninitialised to GCC.
  list(APPEND TALLOW_KERNEL_OPTIONS -Wno-maybe-uninitialized)
endif()
set(TALLOW_MODULE_LINK_OPTIONS "")

if(TALLOW_SANITIZE)
  # -O1 keeps the instrumented kernels' compile time bearable. A report ends the process.
  list(TRANSFORM TALLOW_KERNEL_OPTIONS REPLACE "-O3" "-O1")
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")  # there it takes copies of a part of a vector for more
    list(APPEND TALLOW_KERNEL_OPTIONS
      -Wno-array-bounds -Wno-stringop-overflow -Wno-stringop-overread)
  endif()
  set(TALLOW_COMPACT_KERNEL_OPTIONS "")
  target_compile_options(tallow_options INTERFACE
    -fsanitize=${TALLOW_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(tallow_options INTERFACE -fsanitize=${TALLOW_SANITIZE})
elseif(CMAKE_BUILD_TYPE STREQUAL "Release")
  target_compile_options(tallow_options INTERFACE -ffunction-sections -fdata-sections)
  list(APPEND TALLOW_MODULE_LINK_OPTIONS -Wl,--gc-sections)
endif()
