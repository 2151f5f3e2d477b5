"""The pages an officer sees, as HTML: values in, text out."""
