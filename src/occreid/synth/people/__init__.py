"""People: bodies, clothes, hair, poses, and the colour of every pixel of them."""
