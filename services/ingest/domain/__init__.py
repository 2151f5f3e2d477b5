"""Reading: the bytes of one official document in, its facts and its measures with their place in the raw text out."""
