"""Definition of sign flipping, and how it is misread.

Source: Lu et al. (2024); Han et al. (2024), section 3.1, with z = 1; Shi et al. (2022) for models.
"""

from fedprop.oracles.vectors import Row, Rows


def sign_flip(own: Rows, origin: Row, z: float, of: str, buffers: int = 0) -> list[list[float]]:
    """-z (w_l - w_g), or the update that leads from w_g to -z w_l in each weight."""
    if of == "update":
        return [[-z * value for value in row] for row in own]
    weights = len(origin) - buffers
    return [
        [-z * (w + value) - w for w, value in zip(origin[:weights], row[:weights], strict=True)] + list(row[weights:])
        for row in own
    ]


def models_for_updates(own: Rows, origin: Row, z: float, of: str) -> list[list[float]]:
    """Misread: what is meant of the update is done to the model, or the reverse."""
    return sign_flip(own, origin, z, "model" if of == "update" else "update")


def received_model(own: Rows, origin: Row, z: float) -> list[list[float]]:
    """Misread: what is turned round is the received model."""
    return [[-z * w - w for w in origin] for _ in own]


MISREADINGS = {"models for updates": models_for_updates, "received model": received_model}
