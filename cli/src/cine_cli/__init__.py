"""The `cine` command: data, models, and the mesh on this machine."""
