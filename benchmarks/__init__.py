"""How fast fedprop is, measured side by side with its peers in one run; `fedprop bench` and `nox -s bench` start it.

    timing        in turns, and ratios per turn        machine      what it ran on, and that machine's own limits
    contenders    who aggregates, rule by rule         reference    what each rule should have answered
    aggregation   the rules' table                     sweeps       cost against n and d
    rounds        whole training rounds, each library in its own process: `peers_speed/`
    table, plots  the page and its figures             run          all of it, in order

`peers/` is about correctness and has its own session, `nox -s peers`.
"""
