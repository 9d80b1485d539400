"""The catalogue is complete: every member of its enums has its facts."""

from __future__ import annotations

from claudemeter_tui.model.catalogue import REPLY_KEYS, RESTRICTIONS, WINDOWS, Endpoint, MeterOrigin


def test_every_endpoint_has_a_path_of_its_own() -> None:
    """No request is sent for two endpoints, and each names the org unless it is the account's."""
    paths = {endpoint: endpoint.facts.path for endpoint in Endpoint}
    assert len(Endpoint) == len(set(paths.values()))
    assert [endpoint for endpoint, path in paths.items() if "{org}" not in path] == [Endpoint.ACCOUNT]


def test_every_meter_names_its_reply_and_its_cap() -> None:
    """The cap of each meter is a key that its reply is known to have."""
    keys = {
        Endpoint.OVERAGE: REPLY_KEYS["overage"],
        Endpoint.OWN_OVERAGE: REPLY_KEYS["overage"],
        Endpoint.USAGE: REPLY_KEYS["extra_usage"],
    }
    assert [origin for origin in MeterOrigin if origin.cap_key not in keys[origin.endpoint]] == []


def test_every_restriction_is_a_key_of_an_org() -> None:
    """A restriction that no reply can have is not shown."""
    assert [key for key in RESTRICTIONS if key not in REPLY_KEYS["organization"]] == []


def test_no_two_windows_share_a_label() -> None:
    """Each window has a label of its own."""
    labels = [window.label for window in WINDOWS.values() if window.label]
    assert sorted(labels) == sorted(set(labels))
