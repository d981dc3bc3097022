"""What the designs of a family return beyond `Effects`: one file each, for its checks and its pages."""
