// Reductions.
#include "ops/arithmetic.h"
#include "ops/reduce.h"
#include "python/bindings.h"

namespace tallow::python {

namespace {

constexpr unsigned kPlain = kFunction | kMethod | kOut;

Tensor sum_over(const Tensor& input, const std::optional<Dims>& dim, bool keepdim,
                std::optional<DType> dtype) {
  return ops::sum_dims(input, dim.value_or(Dims{}), keepdim, dtype);
}
Tensor mean_over(const Tensor& input, const std::optional<Dims>& dim, bool keepdim,
                 std::optional<DType> dtype) {
  return ops::mean_dims(input, dim.value_or(Dims{}), keepdim, dtype);
}

// The older spelling of var and std says `unbiased` for a correction of 1.
template <auto kSpread>
auto unbiased_dims(const Tensor& input, const std::optional<Dims>& dim, bool unbiased,
                   bool keepdim) {
  return kSpread(input, dim, Scalar(unbiased ? 1 : 0), keepdim);
}
template <auto kSpread>
auto unbiased_all(const Tensor& input, bool unbiased) {
  return kSpread(input, std::nullopt, Scalar(unbiased ? 1 : 0), false);
}

template <auto kSpread>
void bind_spread(Registry& r, const std::string& name, unsigned flags, const char* doc) {
  const std::string dims = name + "(input, dim, unbiased=True, keepdim=False)";
  const std::string all = name + "(input, unbiased=True)";
  const std::string corrected = name + "(input, dim=None, *, correction=None, keepdim=False)";
  r.op<&unbiased_all<kSpread>, &unbiased_dims<kSpread>, kSpread>(
      {all.c_str(), dims.c_str(), corrected.c_str()}, flags, doc);
}

Tensor max_other(const Tensor& input, const Tensor& other, Out out) {
  return ops::maximum(input, other, out);
}
Tensor min_other(const Tensor& input, const Tensor& other, Out out) {
  return ops::minimum(input, other, out);
}

// p: a number, None or "fro" (both 2), or "nuc".
Tensor norm(const Tensor& input, const std::optional<Scalar>& p, const std::optional<Dims>& dim,
            bool keepdim, std::optional<DType> dtype) {
  return ops::vector_norm(input, p.value_or(Scalar(2)), dim, keepdim, dtype);
}
Tensor norm_by_name(const Tensor& input, std::string_view p, const std::optional<Dims>& dim,
                    bool keepdim, std::optional<DType> dtype) {
  TALLOW_CHECK_NOT_IMPLEMENTED(p == "fro", "norm: p='", p,
                               "' is not implemented; expected 'fro' or "
                               "a number");
  return ops::vector_norm(input, Scalar(2), dim, keepdim, dtype);
}

void bind_sums(Registry& r) {
  r.op<&ops::sum, &sum_over>(
      {"sum(input, *, dtype=None)", "sum(input, dim, keepdim=False, *, dtype=None)"}, kPlain,
      "Add up all elements, or those along dimensions.");
  r.op<&ops::nansum>("nansum(input, dim=None, keepdim=False, *, dtype=None)", kPlain,
                     "Add up the elements that are not NaN.");
  r.op<&ops::mean, &mean_over>(
      {"mean(input, *, dtype=None)", "mean(input, dim, keepdim=False, *, dtype=None)"}, kPlain,
      "Average all elements, or those along dimensions.");
  r.op<&ops::nanmean>("nanmean(input, dim=None, keepdim=False, *, dtype=None)", kPlain,
                      "Average the elements that are not NaN.");
  r.op<&ops::prod, &ops::prod_dim>(
      {"prod(input, *, dtype=None)", "prod(input, dim, keepdim=False, *, dtype=None)"}, kPlain,
      "Multiply all elements, or those along a dimension.");
  r.op<&norm, &norm_by_name>({"norm(input, p=2, dim=None, keepdim=False, dtype=None)",
                              "norm(input, p, dim=None, keepdim=False, dtype=None)"},
                             kPlain, "(sum of |input|^p)^(1/p).");
  r.op<&ops::count_nonzero>("count_nonzero(input, dim=None)", kFunction | kMethod,
                            "Count the elements that are not zero.");
  r.op<&ops::any>("any(input, dim=None, keepdim=False)", kPlain, "Is any element true?");
  r.op<&ops::all>("all(input, dim=None, keepdim=False)", kPlain, "Are all elements true?");
}

void bind_extremes(Registry& r) {
  r.op<&ops::max, &ops::max_dim, &max_other>(
      {"max(input)", "max(input, dim, keepdim=False) -> (values, indices)", "max(input, other)"},
      kPlain, "Largest element, of all or along a dimension; or elementwise maximum.");
  r.op<&ops::min, &ops::min_dim, &min_other>(
      {"min(input)", "min(input, dim, keepdim=False) -> (values, indices)", "min(input, other)"},
      kPlain, "Smallest element, of all or along a dimension; or elementwise minimum.");
  r.op<&ops::amax>("amax(input, dim=(), keepdim=False)", kPlain,
                   "Largest element along dimensions; equals share the gradient.");
  r.op<&ops::amin>("amin(input, dim=(), keepdim=False)", kPlain,
                   "Smallest element along dimensions; equals share the gradient.");
  r.op<&ops::aminmax>("aminmax(input, *, dim=None, keepdim=False) -> (min, max)", kPlain,
                      "Smallest and largest element.");
  r.op<&ops::argmax>("argmax(input, dim=None, keepdim=False)", kPlain,
                     "Position of the first largest element.");
  r.op<&ops::argmin>("argmin(input, dim=None, keepdim=False)", kPlain,
                     "Position of the first smallest element.");
}

}  // namespace

void bind_reduce(Registry& r) {
  bind_sums(r);
  bind_extremes(r);
  bind_spread<&ops::var>(r, "var", kPlain, "Variance.");
  bind_spread<&ops::std>(r, "std", kPlain, "Standard deviation.");
  bind_spread<&ops::var_mean>(r, "var_mean", kFunction, "Variance and mean.");
  bind_spread<&ops::std_mean>(r, "std_mean", kFunction, "Standard deviation and mean.");
}

}  // namespace tallow::python
