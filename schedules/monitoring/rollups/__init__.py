"""Counters and histograms of everything that ever happened, though rows are pruned: kept as totals up to a
mark (`books.keep`), told as these plus what lies beyond the mark (`books.totals`).
"""
