"""What people see: the morning report, the official reports, exports, and `bhyt status`.

`figures` asks the published warehouse, `charts` draw, `page` and `official_*` put both on paper. Aggregates only.
"""
