"""Whose rows a view holds."""

from dataclasses import replace


def test_clients_are_numbered_unless_they_are_named(view):
    seen = view([[1.0], [2.0]], [[3.0], [4.0], [5.0]])
    assert (seen.clients, seen.benign_clients, seen.members) == ((0, 1), (2, 3, 4), (0, 1))
    named = replace(seen, clients=(7, 5), benign_clients=(9, 8, 6))
    assert (named.clients, named.benign_clients) == ((7, 5), (9, 8, 6))
    assert replace(named, benign=seen.benign[:2]).benign_clients == (2, 3)


def test_a_boost_makes_up_for_everybody_the_server_averages(view):
    assert replace(view([[1.0], [2.0]]), received=9).boost == 4.5
    assert replace(view([[1.0], [2.0]]), received=1).boost == 1.0
