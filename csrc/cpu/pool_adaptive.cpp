// Adaptive pooling: windows that divide the image as evenly as whole pixels allow.
#include <limits>

#include "core/parallel.h"
#include "core/scratch.h"
#include "cpu/pool.h"
#include "cpu/reduce_tree.h"

namespace tallow::cpu::TALLOW_ISA {
namespace {

// The elements of window o along one dimension.
struct Window {
  int64_t begin, end;
  TALLOW_INLINE Window(const PoolArgs& args, int dimension, int64_t o) {
    const int64_t in = args.in_size[dimension];
    const int64_t out = args.out_size[dimension];
    begin = o * in / out;
    end = ((o + 1) * in + out - 1) / out;
  }
  TALLOW_INLINE int64_t size() const { return end - begin; }
};

// In 16 lanes, whatever the register width.
template <class C>
TALLOW_INLINE C sum_row(const C* from, int64_t count) {
  C sum = C(0);
  int64_t i = 0;
  if (count >= kWideLanes) {
    Wide<C> lanes = Wide<C>::load(from);
    for (i = kWideLanes; i + kWideLanes <= count; i += kWideLanes) {
      lanes = lanes + Wide<C>::load(from + i);
    }
    sum = fold_lanes(lanes, Add{});
  }
  for (; i < count; ++i) sum += from[i];
  return sum;
}

// First the rows of a window are added up, all columns at once, then runs of that sum.
template <class T>
void average_plane(const PoolArgs& args, const T* in, Compute<T>* column_sums, T* out) {
  using C = Compute<T>;
  const int64_t width = args.in_size[1];
  for (int64_t y = 0; y < args.out_size[0]; ++y) {
    const Window rows(args, 0, y);
    for (int64_t x = 0; x < width; x += kLanes<C>) {
      Vec<C> sum{};
      for (int64_t i = rows.begin; i < rows.end; ++i) {
        sum += load_row(in + i * width + x, width - x);
      }
      store(column_sums + x, sum);
    }
    for (int64_t x = 0; x < args.out_size[1]; ++x) {
      const Window columns(args, 1, x);
      const C sum = sum_row(column_sums + columns.begin, columns.size());
      *out++ = static_cast<T>(sum / static_cast<C>(rows.size()) / static_cast<C>(columns.size()));
    }
  }
}

template <class T>
Status average_typed(const PoolArgs& args, const T* in, T* out) {
  using C = Compute<T>;
  const int64_t sums = args.in_size[1] + kLanes<C>;
  int64_t failed = 0;
  parallel_for(args.planes, planes_per_task(args), [&](int64_t begin, int64_t end) {
    const Scratch<C> column_sums(sums);
    if (!column_sums) {
      __atomic_store_n(&failed, int64_t{1}, __ATOMIC_RELAXED);
      return;
    }
    for (int64_t plane = begin; plane < end; ++plane) {
      average_plane(args, in + plane * args.in_size[0] * args.in_size[1], column_sums.get(),
                    out + plane * args.out_size[0] * args.out_size[1]);
    }
  });
  return failed ? out_of_memory(sums * static_cast<int64_t>(sizeof(C))) : Status::kOk;
}

Status average(const PoolArgs& args, const void* in, void* out) {
  return dispatch(FloatingAndHalf{}, args.dtype, "adaptive_avg_pool2d", [&]<class T>() -> Status {
    return average_typed(args, static_cast<const T*>(in), static_cast<T*>(out));
  });
}

template <class T>
void spread_plane(const PoolArgs& args, const T* grad_out, Compute<T>* sums, T* grad_in) {
  using C = Compute<T>;
  const int64_t width = args.in_size[1];
  const int64_t pixels = args.in_size[0] * width;
  for (int64_t i = 0; i < pixels; ++i) sums[i] = C(0);
  for (int64_t y = 0; y < args.out_size[0]; ++y) {
    const Window rows(args, 0, y);
    for (int64_t x = 0; x < args.out_size[1]; ++x) {
      const Window columns(args, 1, x);
      const C share = static_cast<C>(*grad_out++) / static_cast<C>(rows.size()) /
                      static_cast<C>(columns.size());
      for (int64_t i = rows.begin; i < rows.end; ++i) {
        C* const row = sums + i * width;
        for (int64_t j = columns.begin; j < columns.end; ++j) row[j] += share;
      }
    }
  }
  if constexpr (sizeof(T) != sizeof(C)) {
    for (int64_t i = 0; i < pixels; ++i) grad_in[i] = static_cast<T>(sums[i]);
  }
}

template <class T>
Status average_backward_typed(const PoolArgs& args, const T* grad_out, T* grad_in) {
  using C = Compute<T>;
  const int64_t pixels = args.in_size[0] * args.in_size[1];
  const bool in_place = sizeof(T) == sizeof(C);
  int64_t failed = 0;
  parallel_for(args.planes, planes_per_task(args), [&](int64_t begin, int64_t end) {
    const Scratch<C> wide(in_place ? 0 : pixels);
    if (!in_place && !wide) {
      __atomic_store_n(&failed, int64_t{1}, __ATOMIC_RELAXED);
      return;
    }
    for (int64_t plane = begin; plane < end; ++plane) {
      T* const to = grad_in + plane * pixels;
      C* sums = wide.get();
      if constexpr (sizeof(T) == sizeof(C)) sums = to;
      spread_plane(args, grad_out + plane * args.out_size[0] * args.out_size[1], sums, to);
    }
  });
  return failed ? out_of_memory(pixels * static_cast<int64_t>(sizeof(C))) : Status::kOk;
}

Status average_backward(const PoolArgs& args, const void* grad_out, void* grad_in) {
  return dispatch(FloatingAndHalf{}, args.dtype, "adaptive_avg_pool2d_backward",
                  [&]<class T>() -> Status {
                    return average_backward_typed(args, static_cast<const T*>(grad_out),
                                                  static_cast<T*>(grad_in));
                  });
}

// The same order as maximum pooling: the first of equals, or the last NaN.
template <class T>
void max_plane(const PoolArgs& args, const T* in, T* out, int64_t* index) {
  using C = Compute<T>;
  for (int64_t y = 0; y < args.out_size[0]; ++y) {
    const Window rows(args, 0, y);
    for (int64_t x = 0; x < args.out_size[1]; ++x) {
      const Window columns(args, 1, x);
      C best = -std::numeric_limits<C>::infinity();
      int64_t position = rows.begin * args.in_size[1] + columns.begin;
      for (int64_t i = rows.begin; i < rows.end; ++i) {
        for (int64_t j = columns.begin; j < columns.end; ++j) {
          const C value = static_cast<C>(in[i * args.in_size[1] + j]);
          if (value > best || value != value) {
            best = value;
            position = i * args.in_size[1] + j;
          }
        }
      }
      *out++ = static_cast<T>(best);
      *index++ = position;
    }
  }
}

Status max(const PoolArgs& args, const void* in, void* out, int64_t* index) {
  return dispatch(FloatingAndHalf{}, args.dtype, "adaptive_max_pool2d", [&]<class T>() -> Status {
    const int64_t in_pixels = args.in_size[0] * args.in_size[1];
    const int64_t out_pixels = args.out_size[0] * args.out_size[1];
    parallel_for(args.planes, planes_per_task(args), [&](int64_t begin, int64_t end) {
      for (int64_t plane = begin; plane < end; ++plane) {
        max_plane(args, static_cast<const T*>(in) + plane * in_pixels,
                  static_cast<T*>(out) + plane * out_pixels, index + plane * out_pixels);
      }
    });
    return Status::kOk;
  });
}

}  // namespace

void fill_pool_adaptive(PoolKernels& table) {
  table.adaptive_max = max;
  table.adaptive_average = average;
  table.adaptive_average_backward = average_backward;
}

}  // namespace tallow::cpu::TALLOW_ISA
