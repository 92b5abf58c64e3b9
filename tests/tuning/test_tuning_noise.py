"""The goal ``ignore_background_noise`` where voice isolation may have no effect (sparrow-2)."""

from __future__ import annotations

import pytest
from persona_fixtures import build_flow_layer
from tuning_fixtures import recommend_changes

FLOW = "/layers/conversational_flow"
BASE = {
    "persona_name": "Ada",
    "system_prompt": "You are Ada.",
    "default_replica_id": "r90bbd427f71",
}


@pytest.mark.parametrize("strength", ["gentle", "normal", "strong"])
@pytest.mark.parametrize("interruptibility", ["medium", "high"])
def test_isolation_is_not_the_only_change_where_sparrow_2_is_in_effect(
    strength: str, interruptibility: str
) -> None:
    layers = build_flow_layer(
        turn_detection_model="sparrow-2",
        voice_isolation="off",
        replica_interruptibility=interruptibility,
    )
    data = {**BASE, "layers": layers}
    recommendation = recommend_changes(data, "ignore_background_noise", strength=strength)
    assert set(recommendation.reasons) == {
        f"{FLOW}/voice_isolation",
        f"{FLOW}/replica_interruptibility",
    }
    reason = recommendation.reasons[f"{FLOW}/voice_isolation"]
    assert "the docs do not say so" in reason.trade_off
