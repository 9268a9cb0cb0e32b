"""HIT templates: one Jinja file each, written in standard Crowd HTML Elements; data only."""
