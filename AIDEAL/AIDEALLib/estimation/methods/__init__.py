"""The methods of estimation, one a file, under one signature."""
