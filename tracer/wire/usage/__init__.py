"""Usage and cost of a call, decided by evidence, for all dialects, APIs and SDKs.

`names` has the meaning of names, `shapes` recognises providers, `evidence` splits counts
into disjoint usage types.
"""
