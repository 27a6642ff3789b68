// Tiles of images for the Winograd convolutions: how they are listed, staged and transformed.
#pragma once

#include "cpu/conv.h"
#include "cpu/winograd.h"

namespace tallow::cpu::TALLOW_ISA::winograd {
namespace {

TALLOW_INLINE int64_t whole_vectors(int64_t channels) {
  return ceil_div(channels, kWidth) * kWidth;
}

// Distance of the planes of two points: an odd number of cache lines, or the 36 elements of a tile
// would share one set of the cache.
TALLOW_INLINE int64_t plane_of(int64_t elements) {
  constexpr int64_t kLine = 64 / static_cast<int64_t>(sizeof(float));
  return (ceil_div(elements, kLine) | 1) * kLine;
}

// The tiles of all images' outputs. A strip is one row of tiles, or a part of it in wide images.
// Strips are what work is divided by: some strips in a row are a group.
struct Tiles {
  int64_t rows, columns;  // of one image
  int64_t column_parts;
  int64_t strips;
  int64_t strip_columns;  // tiles in the longest strip
  int64_t groups;
  int64_t group_strips;  // in the largest group
  TALLOW_INLINE int64_t group_tiles() const { return group_strips * strip_columns; }
  TALLOW_INLINE int64_t total() const { return strips * strip_columns; }
  TALLOW_INLINE Range group(int64_t index) const { return part_of(strips, 1, groups, index); }
};

// Tiles in groups of about `group_tiles`, where images allow.
TALLOW_INLINE Tiles list_tiles(int64_t batch, const int64_t (&size)[2], int64_t group_tiles) {
  Tiles tiles;
  tiles.rows = ceil_div(size[0], kTile);
  tiles.columns = ceil_div(size[1], kTile);
  tiles.column_parts = ceil_div(tiles.columns, 96);
  tiles.strip_columns = ceil_div(tiles.columns, tiles.column_parts);
  tiles.strips = batch * tiles.rows * tiles.column_parts;
  tiles.groups = ceil_div(tiles.strips, greater(group_tiles / tiles.strip_columns, 1));
  tiles.group_strips = ceil_div(tiles.strips, tiles.groups);
  return tiles;
}

// Rows [y, y + rows) of tiles and columns [x, x + columns) of an image.
struct Piece {
  int64_t image, y, rows, x, columns;
};

// Calls body(piece, number of its first tile) for the pieces of a group and returns the number of
// its tiles. Neighbouring strips of one image are one piece.
template <class Body>
TALLOW_INLINE int64_t each_piece(const Tiles& tiles, Range strips, const Body& body) {
  int64_t tile = 0;
  for (int64_t s = strips.begin; s < strips.end;) {
    const int64_t row = s / tiles.column_parts;
    const int64_t y = row % tiles.rows;
    const Range columns = part_of(tiles.columns, 1, tiles.column_parts, s % tiles.column_parts);
    const int64_t rows = tiles.column_parts > 1 ? 1 : lesser(strips.end - s, tiles.rows - y);
    body(Piece{row / tiles.rows, y, rows, columns.begin, columns.size()}, tile);
    tile += rows * columns.size();
    s += rows;
  }
  return tile;
}

struct Images {
  const float* data;
  int64_t channels;
  int64_t size[2];
  int64_t padding[2];  // zeros before the first row and column
  Order order;
};

// Vectors of pixels that a group's pieces need at most, if tiles see `overlap` pixels of the next.
TALLOW_INLINE int64_t staged_size(const Tiles& tiles, int64_t overlap) {
  return (tiles.group_strips * kTile + overlap) * (tiles.strip_columns * kTile + overlap);
}

// Stages what a piece sees of kWidth channels. What is outside of the image must be zero already if
// `clean`, and becomes zero otherwise.
TALLOW_INLINE void stage_piece(const Images& images, const Piece& piece, int64_t overlap,
                               int64_t channel, bool clean, Lanes* staged) {
  const int64_t pitch = piece.columns * kTile + overlap;
  const int64_t height = piece.rows * kTile + overlap;
  if (!clean) {
    for (int64_t i = 0; i < height * pitch; ++i) staged[i] = Lanes{};
  }
  // Where in the image the first staged pixel is, and what exists of the others.
  const int64_t top = piece.y * kTile - images.padding[0];
  const int64_t left = piece.x * kTile - images.padding[1];
  const Range rows{greater(top, 0), lesser(top + height, images.size[0])};
  const Range columns{greater(left, 0), lesser(left + pitch, images.size[1])};
  if (rows.size() <= 0 || columns.size() <= 0) return;
  const Order& order = images.order;
  const Pixels pixels{order.channel, images.size[1] * order.pixel, order.pixel, rows.size(),
                      columns.size()};
  const float* const from = images.data + piece.image * order.image + channel * order.channel +
                            (rows.begin * images.size[1] + columns.begin) * order.pixel;
  stage_pixels(pixels, from, static_cast<int>(lesser(kWidth, images.channels - channel)), pitch,
               staged + (rows.begin - top) * pitch + columns.begin - left);
}

// Elements [point][tile][channel] of a group.
struct Planes {
  float* data;
  int64_t plane, pitch;
};

// Transforms the In x In pixels that each tile of a group sees, for channels [begin, begin + pitch
// of the planes).
template <int In, class Transform>
void transform_images(const Tiles& tiles, Range strips, const Images& images, int64_t begin,
                      const Transform& transform, Lanes* staged, const Planes& to) {
  constexpr int64_t kOverlap = In - kTile;
  Piece last{-1, -1, -1, -1, -1};
  for (int64_t c = 0; c < to.pitch; c += kWidth) {
    each_piece(tiles, strips, [&](const Piece& piece, int64_t tile) {
      const bool clean = piece.y == last.y && piece.rows == last.rows && piece.x == last.x;
      stage_piece(images, piece, kOverlap, begin + c, clean, staged);
      last = piece;
      const int64_t pitch = piece.columns * kTile + kOverlap;
      float* target = to.data + tile * to.pitch + c;
      for (int64_t y = 0; y < piece.rows; ++y) {
        for (int64_t x = 0; x < piece.columns; ++x, target += to.pitch) {
          const Lanes* const from = staged + (y * pitch + x) * kTile;
          transform_square<In, kPatch>(
              transform, [&](int i, int j) { return from[i * pitch + j]; },
              [&](int i, int j, Lanes value) {
                store(target + (i * kPatch + j) * to.plane, value);
              });
        }
      }
    });
  }
}

}  // namespace
}  // namespace tallow::cpu::TALLOW_ISA::winograd
