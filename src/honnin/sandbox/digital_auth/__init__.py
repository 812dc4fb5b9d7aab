"""The Digital Authentication Service as the sandbox plays it: login and signing with the My Number Card over OIDC.

digital-agency-apis.md §1. What is assumed where the official pages could not be read stands in `profile.json` alone.
"""
