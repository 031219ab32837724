"""A plan that contradicts itself is refused."""

from __future__ import annotations

import pytest
from client_servers import (
    plan_message,
    small_plan,
)
from streams import changed, check

from logah.client import ProtocolError
from logah.client._generated import logah_pb2


@pytest.mark.parametrize(
    ("changes", "subject"),
    [
        ({"plan_dtype": logah_pb2.DATA_TYPE_UNSPECIFIED}, "plan.dtype"),
        ({"plan_total_bytes": 81}, "plan.total_bytes"),
        ({"name": "b"}, 'plan: tensor name "b"'),
        ({"shape": (2, -1)}, 'plan: tensor "a": shape'),
        ({"shape": (2, 0)}, 'plan: tensor "a": sent_start and sent_shape'),
        ({"shape": (2**40, 2**40)}, 'plan: tensor "a": shape'),
        ({"bytes": 23}, 'plan: tensor "a": bytes'),
        ({"offset": 1}, 'plan: tensor "a": offset'),
        ({"sent_start": (1, 0)}, 'plan: tensor "a": sent_start and sent_shape'),
        ({"sent_start": (0,)}, 'plan: tensor "a": sent_start and sent_shape'),
        ({"sent": False}, 'plan: tensor "a": bytes'),
        ({"predicted_elements": 5}, 'plan: tensor "a": sum of predicted_elements and initialized_elements'),
        ({"source": logah_pb2.SOURCE_TIED}, 'plan: tensor "a": sent'),
    ],
)
def test_a_plan_that_contradicts_itself_is_refused(changes: dict[str, object], subject: str) -> None:
    with pytest.raises(ProtocolError) as caught:
        check(changed(**changes))
    assert caught.value.subject == subject


@pytest.mark.parametrize("holder", ["", "d", "nothing", "b"])
def test_a_tie_must_lead_to_a_tensor_of_the_same_shape(holder: str) -> None:
    plan = small_plan()
    plan.tensors[3].tied_to = holder
    with pytest.raises(ProtocolError, match="tied_to"):
        check([plan_message(plan)])


@pytest.mark.parametrize("count", ["parameters", "predicted", "tied"])
def test_coverage_must_add_up(count: str) -> None:
    plan = small_plan()
    setattr(plan.coverage, count, 7)
    with pytest.raises(ProtocolError, match="coverage"):
        check([plan_message(plan)])


def test_coverage_must_be_there() -> None:
    plan = small_plan()
    plan.ClearField("coverage")
    with pytest.raises(ProtocolError, match=r"plan\.coverage"):
        check([plan_message(plan)])
