"""Convolutions whose weights' gradient is quick on a CPU."""

from typing import Any

from f1_rl.learning.device import import_tensorflow

tf: Any = import_tensorflow()


def divides(shape: tuple[int, int], kernel: tuple[int, int], strides: tuple[int, int]) -> bool:
    """Return whether there are strides, and a `StridedConv2D` can have them.

    They have to divide its inputs into blocks.

    Args:
        shape: Rows and columns of the input.
        kernel: Rows and columns of the kernel.
        strides: In rows and columns.
    """
    (rows, columns), (down, across) = shape, strides
    return strides != (1, 1) and rows % down == columns % across == kernel[1] % across == 0


class StridedConv2D(tf.keras.layers.Conv2D):
    """An unpadded convolution with the same weights and outputs as Keras' own.

    As many columns as the stride has are taken for channels of one: the same numbers in the same
    places of memory, convolved with a stride of one across. The gradient of the kernel is the sum
    over all outputs of input times gradient, for each row and block of columns of the kernel one
    product of matrices. TensorFlow's own kernel for it takes more than twice as long on a CPU, and
    most of an update of a small network.
    """

    def convolution_op(self, inputs: Any, kernel: Any) -> Any:
        """Return the convolution `(B, rows, columns, filters)` of inputs `(B, H, W, C)`."""
        height, width, channels = inputs.shape[1:]
        (rows, columns), (down, across) = self.kernel_size, self.strides
        blocks, depth = columns // across, across * channels
        above, beside = (height - rows) // down + 1, (width - columns) // across + 1
        inputs = tf.reshape(inputs, (-1, height, width // across, depth))
        kernel = tf.reshape(kernel, (rows, blocks, depth, self.filters))

        @tf.custom_gradient
        def convolve(pictures: Any, weights: Any) -> tuple[Any, Any]:
            def gradients(upstream: Any) -> tuple[Any, Any]:
                flat = tf.reshape(upstream, (-1, self.filters))
                # Rows that the stride leaves apart lie side by side.
                apart = tf.reshape(pictures, (-1, height // down, down, width // across, depth))

                def seen(row: int, block: int) -> Any:
                    first, rest = divmod(row, down)
                    part = apart[:, first : first + above, rest, block : block + beside]
                    return tf.reshape(part, (-1, depth))

                products = [
                    tf.matmul(seen(row, block), flat, transpose_a=True)
                    for row in range(rows)
                    for block in range(blocks)
                ]
                # Where nobody asks for the inputs' gradient it is left out of the graph.
                before = tf.raw_ops.Conv2DBackpropInput(
                    input_sizes=tf.shape(pictures),
                    filter=weights,
                    out_backprop=upstream,
                    strides=[1, down, 1, 1],
                    padding="VALID",
                )
                return before, tf.reshape(tf.stack(products), weights.shape)

            return tf.nn.conv2d(pictures, weights, (down, 1), "VALID"), gradients

        return convolve(inputs, kernel)


# TF-Agents copies the layers that it is given, by their names.
tf.keras.utils.register_keras_serializable(package="f1_rl")(StridedConv2D)
