"""Robot workers on the marketplace's own pages, and what they say a batch would cost and yield."""
