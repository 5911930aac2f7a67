import threading

import pytest
import torch

from fedprop.cores import Crew, cores, one_thread, start_threads


@pytest.fixture(autouse=True)
def three():
    """Torch may use three threads; its own number is put back in the end."""
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    yield
    torch.set_num_threads(before)


def in_a_new_thread():
    found = []
    thread = threading.Thread(target=lambda: found.append(torch.get_num_threads()))
    thread.start()
    thread.join()
    return found[0]


def test_one_thread_is_for_this_thread_alone_and_for_a_while():
    with one_thread():
        assert (torch.get_num_threads(), cores(), in_a_new_thread()) == (1, 3, 3)
        with one_thread():
            assert (torch.get_num_threads(), cores()) == (1, 3)
        assert torch.get_num_threads() == 1
    assert (torch.get_num_threads(), cores(), in_a_new_thread()) == (3, 3, 3)


def test_an_error_puts_the_number_back():
    with pytest.raises(ZeroDivisionError), one_thread():
        raise ZeroDivisionError
    assert (torch.get_num_threads(), cores()) == (3, 3)


@pytest.mark.parametrize("nested", [False, True])
def test_started_threads_compute_with_one_thread_and_the_others_with_theirs(nested):
    met = threading.Barrier(2)

    def count(_):
        met.wait(timeout=60)
        torch.zeros(4) + 1
        return threading.get_ident(), torch.get_num_threads()

    with one_thread() if nested else torch.enable_grad(), start_threads(2) as pool:
        for _ in range(2):
            idents, counts = zip(*pool.map(count, range(2)), strict=True)
            assert len(set(idents)) == 2
            assert counts == (1, 1)
        assert torch.get_num_threads() == (1 if nested else 3)
    assert in_a_new_thread() == torch.get_num_threads() == 3


def test_runs_in_threads_of_their_own_do_not_disturb_each_other():
    """Whoever comes first goes first, while the other still computes."""
    entered, left, seen = threading.Barrier(2), threading.Event(), []

    def first():
        with one_thread():
            entered.wait(timeout=60)
        left.set()

    def second():
        with one_thread():
            entered.wait(timeout=60)
            left.wait(timeout=60)
            seen.append((torch.get_num_threads(), cores()))

    threads = [threading.Thread(target=target) for target in (first, second)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == [(1, 3)]
    assert in_a_new_thread() == 3


def test_a_crew_hands_each_tool_to_one_at_a_time_and_answers_in_order():
    tools = [[], []]

    def work(tool, item):
        assert not tool
        tool.append(item)
        tool.clear()
        return item * item

    crew = Crew(tools)
    assert list(crew.map(work, range(20))) == [n * n for n in range(20)]


def test_a_crew_works_on_after_an_error():
    crew = Crew([2])
    with pytest.raises(ZeroDivisionError):
        list(crew.map(lambda tool, item: tool / item, [0]))
    assert list(crew.map(lambda tool, item: tool / item, [1, 2])) == [2.0, 1.0]
