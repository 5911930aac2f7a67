"""What an update gives away of the examples behind it: pictures, labels, properties.

Map: `imitation` does local training over again on candidates, `layers` finds the layer that tells labels,
`reconstruction` is the base of the attacks that look for candidates (`dlg`, `idlg`, `inverting_gradients`), `judging`
says how well they did. `revealing_labels` and `property_inference` need no search.
"""
