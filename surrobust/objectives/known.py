"""What is known of every cell before a search: counts, and figures of devices."""

import logging
from collections.abc import Mapping

import numpy as np

from ..errors import MissingMeasurementError
from ..shipped import predictor_for
from ..spaces import Architecture, NASBench201, count_flops, count_parameters
from ..tables import load_table
from ..targets import Target
from ..typing import AnyPath, FloatArray

logger = logging.getLogger(__name__)

_COUNTED = {"params": count_parameters, "flops": count_flops}


def known_values(
    quantity: str, objective: str, *, strict: bool = False, data_dir: AnyPath | None = None
) -> Mapping[Architecture, float]:
    """Return a quantity of every representative, NaN where there is none.

    Parameters and FLOPs are counted. Latencies and energies are looked up in the table; where
    that is not here a shipped predictor plays it, which is logged.

    Args:
        quantity: ``params``, ``flops``, or the target key of a device.
        objective: Where the other values of the search are from; what a ``surrogate`` measures is
            not looked up either.
        strict: Whether a table that is not here is an error.
        data_dir: Where the tables are.

    Raises:
        MissingMeasurementError: If there is neither a table nor a predictor.
    """
    cells = NASBench201().representatives()
    if quantity in _COUNTED:
        values = np.array([_COUNTED[quantity](cell) for cell in cells], dtype=np.float64)
    elif objective == "surrogate":
        values = _predicted(quantity, cells)
    else:
        try:
            values = _measured(quantity, cells, data_dir)
        except MissingMeasurementError:
            if strict:
                raise
            logger.warning("%s: its table is not here, a shipped predictor plays it", quantity)
            values = _predicted(quantity, cells)
    return dict(zip(cells, values.tolist(), strict=True))


def _measured(quantity: str, cells: list[Architecture], data_dir: AnyPath | None) -> FloatArray:
    table = load_table(Target.parse(quantity).benchmark, data_dir=data_dir)
    rows = dict(zip(table.architectures, table.values(quantity), strict=True))
    return np.array([rows[cell] for cell in cells])


def _predicted(quantity: str, cells: list[Architecture]) -> FloatArray:
    predictor = predictor_for(quantity)
    predicted = np.asarray(predictor.predict(cells)).reshape(len(cells), -1)
    return np.asarray(predicted[:, list(predictor.targets).index(quantity)])
