"""Counters and histograms that outlive retention: stored totals up to a mark (`rollup.update`), plus the rows
beyond it (`rollup.totals`).
"""
