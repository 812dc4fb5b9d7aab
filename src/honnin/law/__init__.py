"""Dated rule table and its evaluator: which method a law accepts on a day, what it demands, how long to keep it.

The rows are data (`rules/`) with dates, labels, sources and confidence; method ids never change though letters do.
Assurance levels, fees and the table of 2019 stand beside them as data. Engineering input, not legal advice.
"""

from honnin.law.assessing import Answers, Assessment, assess, effects, introduction, profiles
from honnin.law.assurance import Assurance, Scale, assurance, authenticators, harms, scales
from honnin.law.changing import Change, Lapse, PastCheck, changes, would_lapse
from honnin.law.documents import documents, freshness
from honnin.law.evaluating import Condition, Decision, evaluate
from honnin.law.fees import CardValidity, Fee, card_validity, fees
from honnin.law.history import Snapshot, SnapshotRow, table_of_2019
from honnin.law.keeping import EvidenceNeeded, Retention, evidence_needed, labels, retention
from honnin.law.offering import Method, coverage, duties, methods, methods_by_label
from honnin.law.standing import TenantStanding
from honnin.law.table import RuleTable, TableError, load, rule_table, shipped
from honnin.law.templates import Template, template, templates

__all__ = [
    "Answers",
    "Assessment",
    "Assurance",
    "CardValidity",
    "Change",
    "Condition",
    "Decision",
    "EvidenceNeeded",
    "Fee",
    "Lapse",
    "Method",
    "PastCheck",
    "Retention",
    "RuleTable",
    "Scale",
    "Snapshot",
    "SnapshotRow",
    "TableError",
    "Template",
    "TenantStanding",
    "assess",
    "assurance",
    "authenticators",
    "card_validity",
    "changes",
    "coverage",
    "documents",
    "duties",
    "effects",
    "evaluate",
    "evidence_needed",
    "fees",
    "freshness",
    "harms",
    "introduction",
    "labels",
    "load",
    "methods",
    "methods_by_label",
    "profiles",
    "retention",
    "rule_table",
    "scales",
    "shipped",
    "table_of_2019",
    "template",
    "templates",
    "would_lapse",
]
