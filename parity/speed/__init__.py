"""Speed: the book's way, the way a PyTorch expert would take, and ours, on the same machine in turn."""
