"""Models of fraud: trained, measured, converted, inspected, served and explained, without stores and without the wire.

What serves imports onnxruntime alone; what trains, converts, inspects or explains imports xgboost or onnx as well. A
process without models imports nothing of this room.
"""
