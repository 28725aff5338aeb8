"""What differs between registry products, one file each."""
