"""Who works at a tenant's counters: staff with a password of their own, at terminals that the operator enrolled.

A terminal is a browser that was given a key by a code typed once; it says which tenant, place and desk this is. Staff
sign in there, one at a time. What a check says of staff, place and terminal comes from the two and from nowhere else.
docs/decisions/0013 says why.
"""

from honnin.platform.staff.members import Members
from honnin.platform.staff.models import Clerk, CounterTerminal, SignIn, StaffMember
from honnin.platform.staff.sign_ins import SignIns
from honnin.platform.staff.terminals import CounterTerminals

__all__ = ["Clerk", "CounterTerminal", "CounterTerminals", "Members", "SignIn", "SignIns", "StaffMember"]
