"""Integrated gradients: how much does each pixel speak for the answer of a residual network?"""

from grad_cam import pictures, trained_net

import tallow


def integrated_gradients(net, image, label, steps=64):
    """Return each pixel's share of the difference between the scores of ``image`` and of black.

    Source: M. Sundararajan, A. Taly, Q. Yan, Axiomatic attribution for deep networks, ICML 2017.
    """
    gradients = []
    handle = net.register_full_backward_hook(lambda _net, grad_in, _: gradients.append(grad_in[0]))
    middles = (tallow.arange(steps) + 0.5) / steps  # of the pieces of the way from black
    path = (middles.view(-1, 1, 1, 1) * image).requires_grad_()
    with handle:
        net(path)[:, label].sum().backward()
    return image * gradients[0].mean(0)


def main():
    """Explain one picture of each quarter and check that the shares add up."""
    net = trained_net()
    images, labels = pictures(4)
    for image, label in zip(images, labels.tolist(), strict=True):
        shares = integrated_gradients(net, image, label)
        with tallow.no_grad():
            scores = net(tallow.stack([image, tallow.zeros_like(image)]))[:, label]
        difference = (scores[0] - scores[1]).item()
        row, column = 6 * (label // 2), 6 * (label % 2)
        inside = shares[0, row : row + 6, column : column + 6].sum().item()
        total = shares.sum().item()
        print(f"quarter {label}: shares {total:.2f}, scores {difference:.2f}, own {inside:.2f}")
        assert abs(total - difference) < 0.05 * abs(difference)
        assert inside > 0.5 * total


if __name__ == "__main__":
    main()
