"""Work on a Ray cluster (`pip install 'fedprop[ray]'`): joining.py reaches or starts one, tasks.py has jobs done there,
crew.py keeps actors there that work side by side.

Nothing else in the package knows Ray, which is imported when a cluster is first asked for. What is sent to a cluster
and comes from it is Python's own serialized form: a cluster must be trusted as one's own machine is.
"""
