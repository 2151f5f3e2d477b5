"""The services of Zhaoqi, the chassis they run on, and the command line."""
