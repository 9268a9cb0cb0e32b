"""Services about who worked: evidence, rejections taken back, exclusions, letters."""
