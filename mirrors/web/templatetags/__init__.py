"""Template tags, one per component; loaded with `{% load components %}`."""
