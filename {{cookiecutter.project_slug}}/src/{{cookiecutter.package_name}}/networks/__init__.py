"""Networks: one `nn.Module` a file, which knows nothing of training."""
