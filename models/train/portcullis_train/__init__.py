"""Training of the gateway's models: data, members, calibration, ONNX files, reports.

Features never come from here: they are computed by the gateway's own command (see `features.py`), so that training
and serving cannot differ.
"""

__version__ = "0.1.0"
