"""Version of the package, for its modules, which do not import the package's face."""

__version__ = "0.2.0"
