"""Can I go on working, am I paying for it, and when does the limit lift."""

from claudemeter_tui.model.verdict.answer import Lift, Spending, State, Verdict
from claudemeter_tui.model.verdict.judging import judge, rank
from claudemeter_tui.model.verdict.payment import GATES, Payment
from claudemeter_tui.model.verdict.shut import CAUSES, Cause, Shut

__all__ = [
    "CAUSES",
    "GATES",
    "Cause",
    "Lift",
    "Payment",
    "Shut",
    "Spending",
    "State",
    "Verdict",
    "judge",
    "rank",
]
