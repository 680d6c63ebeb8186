"""What hides people in pictures: erasing, NODA, cut-outs and measured stress."""
