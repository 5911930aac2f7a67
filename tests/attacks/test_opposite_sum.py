from fedprop.attacks import OppositeSum


def test_one_row_cancels_the_honest_ones(view):
    seen = view([[9.0, 9.0]], [[1.0, 2.0], [3.0, -1.0]])
    sent = OppositeSum().craft(seen)
    assert sent.tolist() == [[-4.0, -1.0]]
    assert (sent.sum(dim=0) + seen.others.sum(dim=0)).tolist() == [0.0, 0.0]


def test_own_rows_alone_and_a_scale(view):
    assert OppositeSum(knowledge="partial", scale=2.0).craft(view([[1.0], [2.0]], [[7.0]])).tolist() == [[-6.0]] * 2
