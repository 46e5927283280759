"""The page on which a person dubs a video by hand."""
