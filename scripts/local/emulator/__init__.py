"""The local AWS account: ministack's APIs, with Spark, Iceberg and AWS's own strictness put where ministack
has stand-ins.

Start it with `python -m emulator`; `settings` says which environment variables it reads, `patches` which of
ministack's functions it replaces. Everything listens on 127.0.0.1 only.
"""
