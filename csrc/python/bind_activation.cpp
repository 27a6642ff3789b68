// Activation functions.
#include "ops/activation.h"
#include "python/bindings.h"

namespace tallow::python {

void bind_activation(Registry& r) {
  // PyTorch's placement: some in the main namespace, most in _C._nn.
  r.op<&ops::relu>("relu(input)", kFunction | kMethod | kInplace, "max(input, 0).");
  r.op<&ops::threshold>("threshold(input, threshold, value)", kFunction | kInplace | kOut,
                        "Replace elements up to a threshold by a value.");
  r.op<&ops::prelu>("prelu(input, weight)", kFunction | kMethod,
                    "Scale negative elements by a learned weight.");
  r.op<&ops::selu>("selu(input)", kFunction | kInplace,
                   "Scaled exponential linear unit with self-normalising constants.");
  r.op<&ops::celu>("celu(input, alpha=1.0)", kFunction | kInplace,
                   "max(0, input) + min(0, alpha * expm1(input / alpha)).");
  r.op<&ops::hardshrink>("hardshrink(input, lambd=0.5)", kFunction | kMethod | kOut,
                         "Zero elements within [-lambd, lambd].");

  constexpr unsigned kInplaceNN = kNN | kInplace | kOut;
  r.op<&ops::relu6>("relu6(input)", kNN | kInplace, "min(max(input, 0), 6).");
  r.op<&ops::hardtanh>("hardtanh(input, min_val=-1, max_val=1)", kInplaceNN,
                       "Limit elements to [min_val, max_val].");
  r.op<&ops::leaky_relu>("leaky_relu(input, negative_slope=0.01)", kInplaceNN,
                         "Scale negative elements by negative_slope.");
  r.op<&ops::elu>("elu(input, alpha=1.0, scale=1.0, input_scale=1.0)", kInplaceNN,
                  "Exponential linear unit: alpha * expm1(input) for negative elements.");
  r.op<&ops::gelu>("gelu(input, *, approximate='none')", kInplaceNN,
                   "input times the normal distribution function of input.");
  r.op<&ops::silu>("silu(input)", kInplaceNN, "input * sigmoid(input).");
  r.op<&ops::mish>("mish(input)", kInplaceNN, "input * tanh(softplus(input)).");
  r.op<&ops::softplus>("softplus(input, beta=1.0, threshold=20.0)", kNN | kOut,
                       "log(1 + exp(beta * input)) / beta.");
  r.op<&ops::log_sigmoid>("log_sigmoid(input)", kNN | kOut, "log(sigmoid(input)).");
  r.op<&ops::hardswish>("hardswish(input)", kInplaceNN, "input * relu6(input + 3) / 6.");
  r.op<&ops::hardsigmoid>("hardsigmoid(input)", kInplaceNN, "relu6(input + 3) / 6.");
  r.op<&ops::softshrink>("softshrink(input, lambd=0.5)", kNN | kOut,
                         "Move elements towards zero by lambd, stopping there.");
  r.op<&ops::glu>("glu(input, dim=-1)", kNN | kOut,
                  "First half along dim times the sigmoid of the second half.");
}

}  // namespace tallow::python
