"""The Immigration Services Agency as the sandbox plays it: residence cards, special permanent resident certificates.

Written from the reference sheet on other documents, section 4; shares no logic with `honnin.chip`.
"""
