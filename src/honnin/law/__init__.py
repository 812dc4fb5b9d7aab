"""Dated rule table and its evaluator: which method a law accepts on a day, what it demands, how long to keep it.

The rows are data (`rules.json`) with dates, labels and sources; method ids never change though letters do.
"""

from honnin.law.evaluating import (
    Change,
    Condition,
    Decision,
    Method,
    Retention,
    TenantStanding,
    changes,
    evaluate,
    methods,
    retention,
)
from honnin.law.table import RuleTable, TableError, load, rule_table

__all__ = [
    "Change",
    "Condition",
    "Decision",
    "Method",
    "Retention",
    "RuleTable",
    "TableError",
    "TenantStanding",
    "changes",
    "evaluate",
    "load",
    "methods",
    "retention",
    "rule_table",
]
