"""The past runs of a team over time: a strip with a lane for each server, to zoom and move in."""
