import pytest
import torch
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from fedprop.errors import RunFailed, WrongAnswer
from fedprop.training import LocalResult, Ticket, TicketOffice
from fedprop.training.lazy import SHORT


class Recorder:
    """A trainer that notes what it was asked for; task t yields the loss t."""

    def __init__(self):
        self.calls = []

    def __call__(self, tickets):
        self.calls.append([ticket.task for ticket in tickets])
        return [LocalResult(ticket.origin, examples=1, steps=1, loss=float(ticket.task)) for ticket in tickets]


@pytest.fixture
def recorder():
    return Recorder()


@pytest.fixture
def office(recorder):
    return TicketOffice(recorder)


def ticket(task):
    return Ticket(client=task % 3, task=task, origin=torch.zeros(2))


def test_taking_a_ticket_computes_nothing(office, recorder):
    office.take(ticket(0))
    assert recorder.calls == []


def test_what_fails_in_training_is_told_in_a_sentence():
    def fail(tickets):
        raise LookupError("no such thing")

    office = TicketOffice(fail)
    office.take(ticket(0))
    with pytest.raises(
        RunFailed, match=r"^`model` failed as clients trained it: LookupError: no such thing \(test_lazy.py"
    ):
        office.result(0)


ROW = torch.zeros(2)


@pytest.mark.parametrize(
    "answer",
    [
        None,
        LocalResult([0.0], 1, 1, 0.0),
        LocalResult(ROW, 1.0, 1, 0.0),
        LocalResult(ROW, True, 1, 0.0),
        LocalResult(ROW, 2**63, 1, 0.0),
        LocalResult(ROW, 1, "many", 0.0),
        LocalResult(ROW, 1, 1, None),
    ],
)
def test_what_is_no_result_is_refused(answer):
    office = TicketOffice(lambda tickets: [answer])
    office.take(ticket(0))
    with pytest.raises(WrongAnswer, match=r"^what trains clients must answer with LocalResult"):
        office.result(0)


def test_the_first_result_asked_for_computes_all_outstanding_ones(office, recorder):
    for task in (3, 1, 2):
        office.take(ticket(task))
    assert [office.result(task).loss for task in (1, 2, 3)] == [1.0, 2.0, 3.0]
    assert recorder.calls == [[3, 1, 2]]
    assert (office.passes, office.computed) == (1, 3)


@pytest.mark.parametrize(
    ("updates", "fit"),
    [
        ([ROW, ROW + 1.0], True),
        ([ROW, torch.tensor([0.0, float("nan")])], False),
        ([ROW, torch.tensor([float("-inf"), 0.0])], False),
        ([ROW, torch.tensor([3e38, 3e38])], False),  # whose squares overflow
        ([ROW, torch.zeros(3)], False),
        ([ROW, torch.zeros(2, 1)], False),
        ([ROW, ROW.half()], False),
    ],
)
def test_updates_that_were_seen_to_be_finite_together_are_known(updates, fit):
    office = TicketOffice(lambda tickets: [LocalResult(update, 1, 1, 0.0) for update in updates])
    for task in (0, 1):
        office.take(ticket(task))
    office.compute()
    assert [office.fits(task, update) for task, update in enumerate(updates)] == [fit, fit]
    assert not office.fits(0, updates[0].clone())
    assert not office.fits(2, updates[0])


def test_a_trainer_cannot_say_of_itself_that_its_updates_are_finite():
    row = torch.tensor([0.0, float("nan")])
    office = TicketOffice(lambda tickets: [LocalResult(row, 1, 1, 0.0, fits=True)])
    office.take(ticket(0))
    office.compute()
    assert not office.fits(0, row)


def test_long_updates_are_left_to_whoever_gets_them():
    for length in (SHORT, SHORT + 1):
        row = torch.zeros(length)
        office = TicketOffice(lambda tickets, row=row: [LocalResult(row, 1, 1, 0.0)])
        office.take(Ticket(client=0, task=0, origin=row))
        office.compute()
        assert office.fits(0, row) == (length == SHORT)


def test_a_result_is_computed_once(office, recorder):
    office.take(ticket(0))
    first = office.result(0)
    office.take(ticket(1))
    assert office.result(0) is first
    assert office.result(1).loss == 1.0
    assert recorder.calls == [[0], [1]]


def test_computing_with_nothing_outstanding_is_no_pass(office, recorder):
    office.compute()
    assert recorder.calls == []
    assert office.passes == 0


def test_a_ticket_lives_as_long_as_server_or_client_holds_it(office):
    office.take(ticket(0))
    office.let_go(0, "client")
    assert office.result(0).loss == 0.0
    office.let_go(0, "client")
    assert list(office.tickets) == [0]
    office.let_go(0, "server")
    assert (office.tickets, office.results, office.holders) == ({}, {}, {})
    office.let_go(0, "server")


def test_a_ticket_forgotten_in_time_is_never_computed(office, recorder):
    for task in (0, 1):
        office.take(ticket(task))
    for holder in ("server", "client"):
        office.let_go(0, holder)
    office.compute()
    assert recorder.calls == [[1]]


def test_the_window_shows_what_the_server_still_waits_for(office):
    for task in (0, 1, 2):
        office.take(ticket(task))
    office.let_go(0, "server")
    office.let_go(1, "client")
    assert list(office.window()) == [1, 2]


def test_a_ticket_that_waits_is_trained_from_where_its_client_begins(office, recorder):
    office.take(ticket(0), waits=True)
    office.take(ticket(1))
    office.compute()
    assert recorder.calls == [[1]]
    assert list(office.window()) == [1]
    office.begin(0, torch.ones(2))
    assert office.tickets[0].first.tolist() == [1.0, 1.0]
    assert office.result(0).loss == 0.0
    assert list(office.window()) == [0, 1]


def test_a_forgotten_ticket_waits_no_more(office):
    office.take(ticket(0), waits=True)
    for holder in ("server", "client"):
        office.let_go(0, holder)
    assert not office.waiting


class OfficeMachine(RuleBasedStateMachine):
    """The office against a table of who holds what, with a trainer that must see every ticket at most once."""

    def __init__(self):
        super().__init__()
        self.recorder = Recorder()
        self.office = TicketOffice(self.recorder)
        self.held = {}
        self.begun = set()
        self.count = 0

    @rule(waits=st.booleans())
    def take(self, waits):
        self.office.take(ticket(self.count), waits=waits)
        self.held[self.count] = {"server", "client"}
        self.begun |= set() if waits else {self.count}
        self.count += 1

    @precondition(lambda self: self.office.waiting)
    @rule(data=st.data())
    def begin(self, data):
        task = data.draw(st.sampled_from(sorted(self.office.waiting)))
        self.office.begin(task, torch.ones(2))
        self.begun.add(task)

    @precondition(lambda self: self.held)
    @rule(data=st.data(), holder=st.sampled_from(["server", "client"]))
    def let_go(self, data, holder):
        task = data.draw(st.sampled_from(sorted(self.held)))
        self.office.let_go(task, holder)
        self.held[task].discard(holder)
        self.held = {t: holders for t, holders in self.held.items() if holders}

    @precondition(lambda self: self.begun & set(self.held))
    @rule(data=st.data())
    def ask(self, data):
        task = data.draw(st.sampled_from(sorted(self.begun & set(self.held))))
        known = task in self.office.results
        assert self.office.result(task).loss == float(task)
        assert known or set(self.office.results) == self.begun & set(self.held)

    @invariant()
    def remembers_what_is_held_and_nothing_else(self):
        assert set(self.office.tickets) == set(self.office.holders) == set(self.held)
        assert set(self.office.results) <= set(self.held)
        assert self.office.waiting == set(self.held) - self.begun
        assert set(self.office.window()) == {t for t in self.begun & set(self.held) if "server" in self.held[t]}

    @invariant()
    def trains_no_ticket_twice(self):
        trained = [task for call in self.recorder.calls for task in call]
        assert len(set(trained)) == len(trained) == self.office.computed


TestOffice = OfficeMachine.TestCase
