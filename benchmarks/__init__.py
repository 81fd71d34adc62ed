"""What the marketplace costs, as ratios: a corpus, engines to compare with, and goals that are judged.

Beside the product, never in it: nothing in `marketplace` knows of this package. What is timed is the product's own
seam, its services and its HTTP application, on a database that the benchmarks made for themselves.
"""
