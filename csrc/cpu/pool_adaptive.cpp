// Adaptive pooling: windows that divide the image as evenly as whole pixels allow. Lanes are
// planes.
#include <limits>

#include "core/scratch.h"
#include "cpu/pool_lanes.h"

namespace tallow::cpu::TALLOW_ISA {
namespace {

// The elements of a window along one dimension.
struct Window {
  int64_t begin, end;
  TALLOW_INLINE int64_t size() const { return end - begin; }
};

// All windows of both dimensions, and how the image is cut into strips of rows.
struct Windows {
  Scratch<Window> rows, columns;
  int64_t width, out_width;

  explicit Windows(const PoolArgs& args)
      : rows(args.out_size[0]),
        columns(args.out_size[1]),
        width(args.in_size[1]),
        out_width(args.out_size[1]) {
    if (!*this) return;
    list(args, 0, rows.get());
    list(args, 1, columns.get());
  }
  explicit operator bool() const { return rows && columns; }
  Status failure() const { return rows ? columns.failure() : rows.failure(); }

  // Rows of the image in a strip, and the pixels a strip of windows has room for.
  int64_t strip_rows() const { return larger(kStripPixels / width, 1); }
  int64_t out_room() const { return larger(kStripPixels, out_width); }
  // Are the windows of rows [first, last) within one strip?
  bool fit(int64_t first, int64_t last) const {
    return rows[last - 1].end - rows[first].begin <= strip_rows() &&
           (last - first) * out_width <= out_room();
  }

 private:
  static void list(const PoolArgs& args, int dimension, Window* windows) {
    const int64_t in = args.in_size[dimension];
    const int64_t out = args.out_size[dimension];
    for (int64_t o = 0; o < out; ++o) windows[o] = {o * in / out, ((o + 1) * in + out - 1) / out};
  }
};

// One window, or the part of it whose rows are in the strip.
struct WindowPart {
  Window row, column, part;
  TALLOW_INLINE bool begins() const { return part.begin == row.begin; }
  TALLOW_INLINE bool ends() const { return part.end == row.end; }
};

// Calls reduce(pixels, window, to) for every part of a window, from top to bottom: `pixels` begins
// with the row of the image that the part begins in, and the vector at `to` is the window's own.
// Then put(results, run of windows) for strips of interleaved windows.
template <class C, class Reduce, class Put>
Status pool_strips(const PoolArgs& args, const PlaneMoves<C>& moves, const void* in, int results,
                   const Reduce& reduce, const Put& put) {
  constexpr int kW = kLanes<C>;
  const Windows windows(args);
  if (!windows) return windows.failure();
  const int64_t width = args.in_size[1];
  const int64_t rows = windows.strip_rows();
  const auto pool_group = [&](C* result, int64_t plane, int64_t planes) {
    C* const pixels = result + results * turned_size<C>(windows.out_room());
    for (int64_t first = 0, last = 1; first < args.out_size[0]; first = last, ++last) {
      while (last < args.out_size[0] && windows.fit(first, last + 1)) ++last;
      const int64_t end = windows.rows[last - 1].end;
      // More than one turn only where one row of windows is taller than a strip.
      for (int64_t top = windows.rows[first].begin; top < end; top += rows) {
        const int64_t bottom = smaller(top + rows, end);
        const Turned<C> strip = turned_planes(
            moves, in,
            {plane, planes, args.interleaved, in_pixels(args), top * width, (bottom - top) * width},
            pixels);
        C* to = result;
        for (int64_t y = first; y < last; ++y) {
          const Window row = windows.rows[y];
          const Window part = {larger(row.begin, top), smaller(row.end, bottom)};
          const Turned<C> from = {strip.data + (part.begin - top) * width * strip.pitch,
                                  strip.pitch};
          for (int64_t x = 0; x < args.out_size[1]; ++x, to += kW) {
            reduce(from, WindowPart{row, windows.columns[x], part}, to);
          }
        }
      }
      put(result, PlaneRun{plane, planes, args.interleaved, out_pixels(args),
                           first * args.out_size[1], (last - first) * args.out_size[1]});
    }
  };
  return for_plane_groups<C>(
      args, results * turned_size<C>(windows.out_room()) + turned_size<C>(rows * width),
      pool_group);
}

// ---- Averages.

template <class C>
Status average_in(const PoolArgs& args, const PlaneMoves<C>& moves, const void* in, void* out) {
  return pool_strips(
      args, moves, in, 1,
      [&](const Turned<C>& pixels, const WindowPart& window, C* to) {
        const int64_t step = args.in_size[1] * pixels.pitch;
        Vec<C> sum{};
        if (!window.begins()) sum = load(to);
        for (int64_t i = 0; i < window.part.size(); ++i) {
          Vec<C> row_sum{};
          for (int64_t j = window.column.begin; j < window.column.end; ++j) {
            row_sum += load(pixels.data + i * step + j * pixels.pitch);
          }
          sum += row_sum;
        }
        if (window.ends()) {
          sum /= broadcast(static_cast<C>(window.row.size()));
          sum /= broadcast(static_cast<C>(window.column.size()));
        }
        store(to, sum);
      },
      [&](const C* result, const PlaneRun& run) { moves.separate(result, run, out); });
}

// Of channels that are neighbours, in the same order.
Status average_interleaved(const PoolArgs& args, const float* in, float* out) {
  constexpr int kW = kLanes<float>;
  constexpr int kVectors = 4;
  const Windows windows(args);
  if (!windows) return windows.failure();
  const int64_t channels = args.interleaved;
  const int64_t row_step = args.in_size[1] * channels;
  const int64_t out_rows = args.out_size[0];
  const auto block = [&]<int Vectors>(const float* from, const Window& row, const Window& column,
                                      int64_t lanes, float* to) {
    Vec<float> sum[Vectors] = {};
    for (int64_t i = row.begin; i < row.end; ++i) {
      Vec<float> row_sum[Vectors] = {};
      for (int64_t j = column.begin; j < column.end; ++j) {
        const float* const pixel = from + i * row_step + j * channels;
#pragma GCC unroll 4
        for (int v = 0; v < Vectors; ++v) row_sum[v] += load_row(pixel + v * kW, lanes);
      }
#pragma GCC unroll 4
      for (int v = 0; v < Vectors; ++v) sum[v] += row_sum[v];
    }
#pragma GCC unroll 4
    for (int v = 0; v < Vectors; ++v) {
      sum[v] /= broadcast(static_cast<float>(row.size()));
      sum[v] /= broadcast(static_cast<float>(column.size()));
      store_row(to + v * kW, sum[v], lanes);
    }
  };
  const int64_t work = row_step * (args.in_size[0] / out_rows + 1);
  parallel_for(args.planes / channels * out_rows, 65536 / (work + 1) + 1,
               [&](int64_t begin, int64_t end) {
                 for (int64_t t = begin; t < end; ++t) {
                   const float* const image = in + t / out_rows * in_pixels(args) * channels;
                   const Window row = windows.rows[t % out_rows];
                   for (int64_t x = 0; x < args.out_size[1]; ++x) {
                     const Window column = windows.columns[x];
                     float* const to = out + (t * args.out_size[1] + x) * channels;
                     int64_t c = 0;
                     for (; c + kVectors * kW <= channels; c += kVectors * kW) {
                       block.template operator()<kVectors>(image + c, row, column, kW, to + c);
                     }
                     for (; c < channels; c += kW) {
                       block.template operator()<1>(image + c, row, column,
                                                    smaller(channels - c, kW), to + c);
                     }
                   }
                 }
               });
  return Status::kOk;
}

Status average(const PoolArgs& args, const void* in, void* out) {
  if (args.dtype == DType::kFloat32 && interleaved(args)) {
    return average_interleaved(args, static_cast<const float*>(in), static_cast<float*>(out));
  }
  return dispatch(FloatingAndHalf{}, args.dtype, "adaptive_avg_pool2d",
                  [&]<class T>() -> Status { return average_in(args, kPlaneMoves<T>, in, out); });
}

// Adds each window's share of its gradient to rows [top, bottom) of the image. `grad` begins with
// the windows of row `first`; all is interleaved.
template <class C>
void spread_strip(const Windows& windows, const C* grad, int64_t first, int64_t last, int64_t top,
                  int64_t bottom, C* sums) {
  constexpr int kW = kLanes<C>;
  for (int64_t i = 0; i < (bottom - top) * windows.width * kW; i += kW) store(sums + i, Vec<C>{});
  for (int64_t y = first; y < last; ++y) {
    const Window& row = windows.rows[y];
    for (int64_t x = 0; x < windows.out_width; ++x, grad += kW) {
      const Window& column = windows.columns[x];
      const Vec<C> share = load(grad) / broadcast(static_cast<C>(row.size())) /
                           broadcast(static_cast<C>(column.size()));
      for (int64_t i = larger(row.begin, top); i < smaller(row.end, bottom); ++i) {
        C* const to = sums + (i - top) * windows.width * kW;
        for (int64_t j = column.begin; j < column.end; ++j) {
          store(to + j * kW, load(to + j * kW) + share);
        }
      }
    }
  }
}

template <class C>
Status average_backward_in(const PoolArgs& args, const PlaneMoves<C>& moves, const void* grad_out,
                           void* grad_in) {
  const Windows windows(args);
  if (!windows) return windows.failure();
  const int64_t height = args.in_size[0];
  const int64_t width = args.in_size[1];
  const int64_t out_width = args.out_size[1];
  const int64_t rows = windows.strip_rows();
  const auto spread_group = [&](C* sums, int64_t plane, int64_t planes) {
    C* const grad = sums + turned_size<C>(rows * width);
    int64_t first = 0, last = 0;  // rows of windows that reach into the strip
    for (int64_t top = 0; top < height; top += rows) {
      const int64_t bottom = smaller(top + rows, height);
      while (first < args.out_size[0] && windows.rows[first].end <= top) ++first;
      while (last < args.out_size[0] && windows.rows[last].begin < bottom) ++last;
      moves.interleave(grad_out,
                       {plane, planes, args.interleaved, out_pixels(args), first * out_width,
                        (last - first) * out_width},
                       grad);
      spread_strip(windows, grad, first, last, top, bottom, sums);
      moves.separate(
          sums,
          {plane, planes, args.interleaved, in_pixels(args), top * width, (bottom - top) * width},
          grad_in);
    }
  };
  // A strip of `rows` rows meets at most this many rows of windows.
  const int64_t reached = smaller(rows * args.out_size[0] / height + 2, args.out_size[0]);
  return for_plane_groups<C>(
      args, turned_size<C>(rows * width) + turned_size<C>(reached * out_width), spread_group);
}

Status average_backward(const PoolArgs& args, const void* grad_out, void* grad_in) {
  return dispatch(FloatingAndHalf{}, args.dtype, "adaptive_avg_pool2d_backward",
                  [&]<class T>() -> Status {
                    return average_backward_in(args, kPlaneMoves<T>, grad_out, grad_in);
                  });
}

// ---- Maxima: the first of equals, or the last NaN, as in maximum pooling.

template <class C>
Status max_in(const PoolArgs& args, const PlaneMoves<C>& moves, const void* in, void* out,
              int64_t* index) {
  using Position = typename SignedOf<sizeof(C)>::type;
  const int64_t width = args.in_size[1];
  const int64_t positions = turned_size<C>(larger(kStripPixels, args.out_size[1]));
  return pool_strips(
      args, moves, in, 2,
      [&](const Turned<C>& pixels, const WindowPart& window, C* to) {
        const int64_t first = window.part.begin * width;
        Vec<C> best = broadcast(-std::numeric_limits<C>::infinity());
        Vec<Position> at = broadcast(static_cast<Position>(first + window.column.begin));
        if (!window.begins()) {
          best = load(to);
          at = bits_as<Vec<Position>>(load(to + positions));
        }
        for (int64_t i = 0; i < window.part.size(); ++i) {
          for (int64_t j = window.column.begin; j < window.column.end; ++j) {
            const Vec<C> value = load(pixels.data + (i * width + j) * pixels.pitch);
            const auto wins = (value > best) | (value != value);
            best = wins ? value : best;
            at = wins ? broadcast(static_cast<Position>(first + i * width + j)) : at;
          }
        }
        store(to, best);
        store(to + positions, bits_as<Vec<C>>(at));
      },
      [&](const C* result, const PlaneRun& run) {
        moves.separate(result, run, out);
        separate_planes<C, int64_t>(result + positions, run, index);
      });
}

Status max(const PoolArgs& args, const void* in, void* out, int64_t* index) {
  return dispatch(FloatingAndHalf{}, args.dtype, "adaptive_max_pool2d", [&]<class T>() -> Status {
    return max_in(args, kPlaneMoves<T>, in, out, index);
  });
}

}  // namespace

void fill_pool_adaptive(PoolKernels& table) {
  table.adaptive_max = max;
  table.adaptive_average = average;
  table.adaptive_average_backward = average_backward;
}

}  // namespace tallow::cpu::TALLOW_ISA
