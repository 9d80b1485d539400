"""Models of replies and the catalogue."""

from __future__ import annotations

import pytest

from claudemeter_tui.claude_ai import parse_account, parse_credits, parse_usage
from claudemeter_tui.claude_ai.validation import Count, Each, Flag, Lenient, ParseReport, ReplyModel
from claudemeter_tui.claude_code import source

MODELS = [
    model
    for module in (parse_account, parse_credits, parse_usage, source)
    for model in vars(module).values()
    if isinstance(model, type) and issubclass(model, ReplyModel) and model is not ReplyModel
]
FIELDS = [(model, field) for model in dict.fromkeys(MODELS) for field in model.model_fields]


def test_model_with_a_field_that_the_catalogue_lacks_fails_when_it_is_made() -> None:
    """The message names the model, the field and the place where the key is missing."""
    expected = 'GiftModel reads paid_twice, which model.catalogue does not list under "gift"'
    with pytest.raises(TypeError, match=expected):

        class GiftModel(ReplyModel, reply_object="gift"):
            paid_twice: Flag = None


def test_key_of_the_catalogue_without_a_field_is_no_new_field() -> None:
    """A known key that carries nothing to show is ignored; an unknown one is reported."""

    class CardModel(ReplyModel, reply_object="card"):
        pass

    report = ParseReport()
    report.parse_object(CardModel, {"country": "US", "colour": "blue"}, "payment_method")
    assert report.build_parsed_body(None).new_fields == ("payment_method.colour",)


@pytest.mark.parametrize(("model", "field"), FIELDS)
def test_wrong_value_of_any_field_is_dropped(model: type[ReplyModel], field: str) -> None:
    """A field that accepts anything, or fails its object, is not lenient; a code name is a new field."""
    report = ParseReport()
    found = report.parse_object(model, {field: -1e15}, "it")
    assert getattr(found, field) is None
    parsed = report.build_parsed_body(None)
    notes = parsed.new_fields if field in ("cedar_ember", "juniper_tide") else parsed.odd_values
    assert f"it.{field}" in notes


def test_nested_objects_are_read_in_the_order_of_the_fields() -> None:
    """Each note has the dotted path of its value; a wrong element of a list leaves the others."""

    class GrantModel(ReplyModel, reply_object="saved_reset"):
        resets_left: Count = None

    class GrantsModel(ReplyModel, reply_object="saved_resets"):
        eligible: Flag = None
        grants: Lenient[Each[GrantModel]] = None

    report = ParseReport()
    grants = [{"resets_left": -1, "new": 1}, 7, None, {"resets_left": 2}]
    found = report.parse_object(GrantsModel, {"grants": grants, "eligible": 3, "newer": None}, "cedar_ember")
    assert found is not None
    assert [grant.resets_left for grant in found.grants or ()] == [None, 2]
    parsed = report.build_parsed_body(None)
    assert parsed.new_fields == ("cedar_ember.newer", "cedar_ember.grants[0].new")
    assert parsed.odd_values == (
        "cedar_ember.eligible",
        "cedar_ember.grants[0].resets_left",
        "cedar_ember.grants[1]",
        "cedar_ember.grants[2]",
    )


def test_null_is_not_a_wrong_value_and_not_an_absent_key() -> None:
    """Only a key that was sent as null is null."""

    class CardModel(ReplyModel, reply_object="card"):
        brand: Flag = None
        last4: Flag = None
        type: Flag = None

    found = ParseReport().parse_object(CardModel, {"brand": None, "last4": "wrong"}, "")
    assert found is not None
    assert [found.is_null(key) for key in ("brand", "last4", "type")] == [True, False, False]
