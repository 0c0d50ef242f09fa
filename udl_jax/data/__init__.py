"""What the notebooks learn from: the points that the book prints, MNIST-1D, and MNIST."""
