"""The same network with forward, and with __call__ overridden: only the first runs its hooks."""

import tallow
from tallow import nn


class NetForward(nn.Module):
    """Two convolutions; the usual way to write a module."""

    def __init__(self, channels_in, channels, channels_out):
        super().__init__()
        self.conv0 = nn.Sequential(
            nn.Conv2d(channels_in, channels, kernel_size=(3, 3), stride=(1, 1), padding=(1, 1)),
            nn.LeakyReLU(),
        )
        self.conv1 = nn.Sequential(
            nn.Conv2d(channels, channels_out, kernel_size=(3, 3), stride=(1, 1), padding=(1, 1)),
        )

    def forward(self, x):
        """Return images with ``channels_out`` channels."""
        return self.conv1(self.conv0(x))


class NetCall(NetForward):
    """The same, but ``__call__`` does the work: legal, and the module's own hooks never run."""

    def __call__(self, x):
        """Return images with ``channels_out`` channels."""
        return self.conv1(self.conv0(x))


def main():
    """Compare the results and the hooks of both."""
    tallow.manual_seed(0)
    with_forward, with_call = NetForward(3, 4, 10), NetCall(3, 4, 10)
    with_call.load_state_dict(with_forward.state_dict())
    x = tallow.randn(1, 3, 8, 8)
    print(with_forward)
    print("equal results:", tallow.equal(with_forward(x), with_call(x)))
    print("grad_fn:", with_forward(x).grad_fn.name())

    ran = []
    for net in (with_forward, with_call):
        name = type(net).__name__
        net.register_forward_hook(lambda *_, name=name: ran.append(name))
        net.conv0.register_forward_hook(lambda *_, name=name: ran.append(f"{name}.conv0"))
    with_forward(x)
    with_call(x)
    print("hooks that ran:", ", ".join(ran))


if __name__ == "__main__":
    main()
