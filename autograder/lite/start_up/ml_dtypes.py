"""A stand-in for ml_dtypes. Keras imports it for number types that NumPy lacks; the course's layers use NumPy's types.

Keras imports this module before the packages that a browser lacks, so it also installs the stand-ins for those.
"""

import keras_start_up  # type: ignore[import-not-found]  # where Keras runs, it is a separate module
from numpy import finfo, iinfo

__all__ = ["finfo", "iinfo"]
keras_start_up.install()
