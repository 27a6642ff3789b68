# The CUDA plugin, a library that tallow opens when the first CUDA device is used. The extension
# module is the same with or without it.
#
# OFF      no plugin.
# ON       libtallow_cuda.so, by nvcc 13 with the runtime linked statically; nothing else of NVIDIA's
#          is linked. Needs CMake >= 3.30.
# EMULATE  libtallow_cuda_emu.so: the same sources by the host compiler, over csrc/cuda_emu, which
#          runs kernels on the CPU. For tests; tell tallow where it is by TALLOW_CUDA_LIBRARY.
set(TALLOW_CUDA OFF CACHE STRING "The CUDA plugin: OFF, ON or EMULATE.")
set_property(CACHE TALLOW_CUDA PROPERTY STRINGS OFF ON EMULATE)
set(TALLOW_CUDA_FOLDER tallow CACHE STRING "Where the plugin is installed.")

function(tallow_plugin_options target)
  target_include_directories(${target} PRIVATE
    "${PROJECT_SOURCE_DIR}/csrc" "${CMAKE_CURRENT_BINARY_DIR}/generated")
  target_compile_features(${target} PRIVATE cxx_std_20)
  set_target_properties(${target} PROPERTIES
    PREFIX "" CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON
    # Where NVIDIA's wheels put their libraries, seen from a package beside them.
    BUILD_WITH_INSTALL_RPATH ON INSTALL_RPATH
    "$ORIGIN/../nvidia/cu13/lib:$ORIGIN/../nvidia/cudnn/lib:$ORIGIN/../nvidia/nccl/lib")
  target_link_libraries(${target} PRIVATE Threads::Threads ${CMAKE_DL_LIBS})
endfunction()

if(TALLOW_CUDA STREQUAL "EMULATE")
  add_library(libtallow_cuda_emu MODULE
    ${TALLOW_CUDA_SOURCES} ${TALLOW_CUDA_KERNEL_SOURCES} ${TALLOW_CUDA_EMULATOR_SOURCES})
  set_source_files_properties(${TALLOW_CUDA_KERNEL_SOURCES} PROPERTIES
    LANGUAGE CXX COMPILE_OPTIONS "-xc++")
  target_include_directories(libtallow_cuda_emu BEFORE PRIVATE
    "${PROJECT_SOURCE_DIR}/csrc/cuda_emu")
  tallow_plugin_options(libtallow_cuda_emu)
  target_link_libraries(libtallow_cuda_emu PRIVATE tallow_options)
  # Kernels must be checked, not fast; -O1 builds in half the time.
  target_compile_options(libtallow_cuda_emu PRIVATE -O1 -g1)
elseif(TALLOW_CUDA)
  if(CMAKE_VERSION VERSION_LESS 3.30)
    message(FATAL_ERROR "TALLOW_CUDA=ON needs CMake 3.30 or newer, this is ${CMAKE_VERSION}")
  endif()
  if(NOT DEFINED CMAKE_CUDA_ARCHITECTURES)
    set(CMAKE_CUDA_ARCHITECTURES 80-real 90-real 100)
  endif()
  enable_language(CUDA)
  add_library(libtallow_cuda MODULE ${TALLOW_CUDA_SOURCES} ${TALLOW_CUDA_KERNEL_SOURCES})
  tallow_plugin_options(libtallow_cuda)
  set_target_properties(libtallow_cuda PROPERTIES
    CUDA_STANDARD 20 CUDA_RUNTIME_LIBRARY Static CUDA_VISIBILITY_PRESET hidden)
  target_include_directories(libtallow_cuda SYSTEM PRIVATE
    ${CMAKE_CUDA_TOOLKIT_INCLUDE_DIRECTORIES})
  target_compile_options(libtallow_cuda PRIVATE
    $<$<COMPILE_LANGUAGE:CUDA>:--extended-lambda --expt-relaxed-constexpr
      --compress-mode=size -Xcompiler=-Wall>
    $<$<COMPILE_LANGUAGE:CXX>:-Wall -Wextra -Wno-unused-parameter>
    $<$<AND:$<BOOL:${TALLOW_WERROR}>,$<COMPILE_LANGUAGE:CUDA>>:-Werror=all-warnings>
    $<$<AND:$<BOOL:${TALLOW_WERROR}>,$<COMPILE_LANGUAGE:CXX>>:-Werror>)
  set(exports "${PROJECT_SOURCE_DIR}/cmake/cuda_exports.map")
  target_link_options(libtallow_cuda PRIVATE
    -static-libstdc++ -Wl,--exclude-libs,ALL "-Wl,--version-script=${exports}")
  set_target_properties(libtallow_cuda PROPERTIES LINK_DEPENDS "${exports}")
  install(TARGETS libtallow_cuda LIBRARY DESTINATION "${TALLOW_CUDA_FOLDER}" COMPONENT cuda)
  if(NOT TALLOW_CUDA_FOLDER STREQUAL "tallow")  # a wheel of its own
    install(FILES LICENSE NOTICE DESTINATION "${TALLOW_CUDA_FOLDER}" COMPONENT cuda)
  endif()
endif()
