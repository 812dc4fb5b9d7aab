"""The police and the public safety commissions as the sandbox plays them: licences on two kinds of chip.

Written from the reference sheet on other documents, sections 2 and 3; shares no logic with `honnin.chip`.
"""
