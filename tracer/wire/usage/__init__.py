"""What a call used and cost, decided by evidence: one place for every way in.

`names` knows what names mean, `shapes` whose they are, `evidence` which count contains which.
"""
