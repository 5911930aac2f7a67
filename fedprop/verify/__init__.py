"""Property-test a defense, an attack or a protocol step, and show the smallest input that breaks it.

`verify(target)` tries every claim on generated inputs and reports; `fedprop verify TARGET` does so from the shell, and
`assert_contract(rule)` in a test. What the claims are is in `fedprop.properties`.
"""

from fedprop.verify.command import assert_contract, verify
from fedprop.verify.pages.findings import Counterexample, Outcome, Report
from fedprop.verify.targets.target import load_rule

__all__ = ["Counterexample", "Outcome", "Report", "assert_contract", "load_rule", "verify"]
