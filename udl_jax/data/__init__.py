"""What the notebooks learn from: the points that the book prints, and MNIST-1D."""
