"""The verbs of `baseops backups`: files out of snapshots, whole images, restored volumes, coverage, forecasts."""
