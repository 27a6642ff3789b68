// Reading and writing at given positions; embedding.
#include "ops/embedding.h"
#include "ops/gather_scatter.h"
#include "ops/grid_sample.h"
#include "ops/image_moves.h"
#include "ops/index.h"
#include "ops/weighted_taps.h"
#include "python/bindings.h"

namespace tallow::python {

namespace {

// nonzero() returns one tensor or, with as_tuple, one per dimension.
struct Positions {
  std::vector<Tensor> tensors;
  bool as_tuple;
};

PyObject* to_python(const Positions& positions) {
  return positions.as_tuple ? python::to_python(positions.tensors)
                            : python::to_python(positions.tensors[0]);
}

Positions nonzero_as(const Tensor& input, bool as_tuple) {
  if (as_tuple) return {ops::nonzero_tuple(input), true};
  return {{ops::nonzero(input)}, false};
}

constexpr unsigned kRead = kFunction | kMethod | kOut;
constexpr unsigned kWrite = kFunction | kMethod | kInplaceMethod;
constexpr unsigned kWriteOut = kWrite | kOut;

void bind_along_dim(Registry& r) {
  r.op<&ops::gather>("gather(input, dim, index, *, sparse_grad=False)", kRead,
                     "Take the elements of a dimension that index names.");
  r.op<&ops::take_along_dim>("take_along_dim(input, indices, dim=None)", kRead,
                             "gather() with broadcasting.");
  r.op<&ops::index_select>("index_select(input, dim, index)", kRead,
                           "Take the slices of a dimension that index names.");
  r.op<&ops::weighted_taps>("_weighted_taps(input, dim, positions, weights)", kFunction,
                            "Sum weighted elements of a dimension: [k][i] for element i.");
  r.op<&ops::sum_bags>("_sum_bags(table, indices, begin, weights=None)", kFunction,
                       "Sum rows of a table, as many as lie between two beginnings.");
  r.op<&ops::grid_sample>("_grid_sample(input, grid, mode, padding, align_corners)", kFunction,
                          "Read images or volumes at the places of a grid, without a derivative.");
  r.op<&ops::grid_sample_backward>(
      "_grid_sample_backward(grad, input, grid, mode, padding, align_corners, input_too, grid_too)",
      kFunction, "The gradients of _grid_sample(), None where not asked for.");
  r.op<&ops::scatter, &ops::scatter>({"scatter(input, dim, index, src, *, reduce=None)",
                                      "scatter(input, dim, index, value, *, reduce=None)"},
                                     kWriteOut, "Write elements to the positions in index.");
  r.op<&ops::scatter_add>("scatter_add(input, dim, index, src)", kWriteOut,
                          "Add elements at the positions in index.");
  r.op<&ops::scatter_reduce>("scatter_reduce(input, dim, index, src, reduce, *, include_self=True)",
                             kWriteOut, "Combine elements at the positions in index.");
  r.op<&ops::index_add>("index_add(input, dim, index, source, *, alpha=1)", kWriteOut,
                        "Add slices at the positions in index.");
  r.op<&ops::index_copy>("index_copy(input, dim, index, source)", kWriteOut,
                         "Write slices to the positions in index.");
  r.op<&ops::index_fill>("index_fill(input, dim, index, value)", kWrite,
                         "Write one value to the slices at the positions in index.");
}

void bind_image_moves(Registry& r) {
  r.op<&ops::constant_pad>("_constant_pad(input, pad, value)", kFunction,
                           "Add elements before and after dimensions, the last ones first.");
  r.op<&ops::pick_pixels>("_pick_pixels(input, rows, columns)", kFunction,
                          "Make an image of the pixels that rows and columns name.");
  r.op<&ops::resize_nearest>("_resize_nearest(input, sizes, row_scale, column_scale, exact)",
                             kFunction, "Resize the last two dimensions by repeating pixels.");
  r.op<&ops::pixel_shuffle>("_pixel_shuffle(input, factor)", kFunction,
                            "Turn groups of channels into squares of pixels.");
  r.op<&ops::pixel_unshuffle>("_pixel_unshuffle(input, factor)", kFunction,
                              "Turn squares of pixels into groups of channels.");
}

void bind_masks(Registry& r) {
  r.op<&ops::masked_fill>("masked_fill(input, mask, value)", kWrite,
                          "Write one value where the mask is set.");
  r.op<&ops::masked_select>("masked_select(input, mask)", kRead,
                            "Take the elements where the mask is set.");
  r.op<&ops::masked_scatter>("masked_scatter(input, mask, source)", kWrite,
                             "Write the elements of source where the mask is set.");
  r.op<&ops::nonzero, &nonzero_as>({"nonzero(input)", "nonzero(input, *, as_tuple)"}, kRead,
                                   "Return the positions of the elements that are not zero.");
  r.op<&ops::argwhere>("argwhere(input)", kFunction | kMethod,
                       "Return the positions of the elements that are not zero.");
  r.op<&ops::tril>("tril(input, diagonal=0)", kWriteOut,
                   "Keep the triangle on and below a diagonal.");
  r.op<&ops::triu>("triu(input, diagonal=0)", kWriteOut,
                   "Keep the triangle on and above a diagonal.");
}

}  // namespace

void bind_index(Registry& r) {
  bind_along_dim(r);
  bind_image_moves(r);
  bind_masks(r);
  r.op<&ops::index_put>("index_put(input, indices, values, accumulate=False)",
                        kFunction | kMethod | kInplace,
                        "Write values to the positions in a tuple of index tensors.");
  r.op<&ops::take>("take(input, index)", kRead, "Take elements of the flattened tensor.");
  r.op<&ops::put>("put(input, index, source, accumulate=False)", kWrite,
                  "Write elements of the flattened tensor.");
  r.op<&ops::embedding>(
      "embedding(weight, indices, padding_idx=-1, scale_grad_by_freq=False, sparse=False)",
      kFunction, "Look up rows of a table.");
  r.op<&ops::embedding_renorm_>("embedding_renorm_(input, indices, max_norm, norm_type)", kFunction,
                                "Scale rows of a table down to a norm, in place.");
  r.op<&ops::one_hot>("one_hot(tensor, num_classes=-1)", kNN,
                      "Return 1 at the position each element names, 0 elsewhere.");
}

}  // namespace tallow::python
