"""What a reader sees: blocks for the notebook, and the pages made from them. Reports never compute."""
