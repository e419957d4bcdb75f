"""The demonstration: a fictional contact point, from a folder of files to a checked dossier."""
