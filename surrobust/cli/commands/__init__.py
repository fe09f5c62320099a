"""The commands, a file each; one is imported when it is named."""
