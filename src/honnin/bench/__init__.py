"""`honnin bench`: how fast honnin is, beside its peers in the same run (PEERS: Calibration).

Every figure is the processor time of one operation on one core, the best of several rounds; every round brings
certificates that were never seen before. Figures are quoted as ratios to the peers, for machines differ.
"""
