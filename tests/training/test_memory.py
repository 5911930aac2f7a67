import pytest
import torch
from torch import nn

from fedprop.data.base import Examples
from fedprop.params import ParameterLayout
from fedprop.training import LocalTraining, Shards, Ticket, make_engine, memory
from fedprop.training.memory import MemoryGauge, clients_that_fit, is_exhausted, saved_bytes

X = torch.zeros(5, 4)


class Square(nn.Module):
    """Squares its input twice: each time the factor, one number for each input, is kept for the backward pass."""

    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(1))

    def forward(self, x):
        return (self.scale * x) ** 2


def test_what_the_backward_pass_needs_is_counted_without_parameters():
    # The product keeps its input x, the square its own input: four float32 numbers each.
    assert saved_bytes(Square(), X) == 2 * 4 * 4


def test_a_storage_saved_twice_counts_once():
    class Twice(Square):
        def forward(self, x):
            y = self.scale * x
            return y**2 + y**3

    assert saved_bytes(Twice(), X) == saved_bytes(Square(), X)


def test_a_chunk_holds_no_more_than_its_budget(monkeypatch):
    monkeypatch.setattr(memory, "CPU_BYTES", 10_000_000)
    module = nn.Linear(4, 3)
    for size in (1, 32, 1000):
        clients = clients_that_fit(module, X, LocalTraining(batch_size=size))
        batch = size * (16 + memory.ACTIVATIONS * saved_bytes(module, X))
        each = memory.STATES * ParameterLayout.of(module).size * 4 + batch
        assert clients * each <= 10_000_000 < (clients + 1) * each


def test_a_gpus_budget_is_a_share_of_all_its_memory(monkeypatch):
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (1, 1000))
    assert memory.budget(torch.device("cuda", 0)) == 1000 * memory.GPU_SHARE


def test_at_least_one_client_is_trained(monkeypatch):
    monkeypatch.setattr(memory, "CPU_BYTES", 1)
    assert clients_that_fit(nn.Linear(4, 3), X, LocalTraining()) == 1


def test_measuring_leaves_the_module_as_it_is():
    module = nn.BatchNorm1d(4).eval()
    saved_bytes(module, X)
    assert not module.training
    assert module.num_batches_tracked == 0


def test_torchs_own_words_for_no_memory_are_known():
    with pytest.raises(RuntimeError) as caught:
        torch.empty(2**55)
    assert is_exhausted(caught.value)
    assert is_exhausted(torch.OutOfMemoryError("CUDA out of memory"))
    assert not is_exhausted(RuntimeError("mat1 and mat2 shapes cannot be multiplied"))


def test_a_cpu_has_no_gauge():
    assert MemoryGauge(torch.device("cpu")).read() == {}


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
class TestOnGPU:
    def test_a_gauge_shows_the_peak_since_it_was_made(self):
        torch.empty(2**28, device="cuda")
        gauge, held = MemoryGauge(torch.device("cuda", 0)), torch.cuda.memory_allocated()
        torch.empty(2**20, device="cuda")
        assert gauge.read() == {"peak_gpu_bytes": held + 4 * 2**20}

    def test_a_stack_needs_no_more_than_was_reckoned(self, monkeypatch):
        module = nn.Sequential(nn.Conv2d(3, 16, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(3600, 10))
        pool = Examples(torch.randn(640, 3, 32, 32, device="cuda"), torch.zeros(640, dtype=torch.int64, device="cuda"))
        shards = Shards(pool, torch.split(torch.arange(640, device="cuda"), 64))
        config = LocalTraining(steps=2, momentum=0.9, engine="vectorized")
        monkeypatch.setattr(memory, "GPU_SHARE", 2**26 / torch.cuda.get_device_properties(0).total_memory)
        train = make_engine(module, shards, config, 0)
        origin = ParameterLayout.of(module).flatten(module).cuda()
        tickets = [Ticket(client, client, origin) for client in range(10)]
        assert 1 <= train.members < 10
        train(tickets)
        gauge, held = MemoryGauge(torch.device("cuda", 0)), torch.cuda.memory_allocated()
        results = train(tickets)
        assert gauge.read()["peak_gpu_bytes"] - held <= 2**26 + sum(result.update.nbytes for result in results)
