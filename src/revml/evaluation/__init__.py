"""How good a model is, on rows it never met: ranking, calibration, money, each with an interval; and its card.

Nothing here chooses anything: it measures what was chosen elsewhere.
"""
