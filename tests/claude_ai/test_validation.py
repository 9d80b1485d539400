"""Models of replies and the catalogue."""

from __future__ import annotations

import pytest

from claudemeter_tui.claude_ai.validation import Flag, ParseReport, ReplyModel


def test_model_with_a_field_that_the_catalogue_lacks_fails_when_it_is_made() -> None:
    """The message names the model, the field and the place where the key is missing."""
    expected = 'GiftModel reads paid_twice, which model.catalogue does not list under "gift"'
    with pytest.raises(TypeError, match=expected):

        class GiftModel(ReplyModel):
            reply_object = "gift"

            paid_twice: Flag = None


def test_key_of_the_catalogue_without_a_field_is_no_new_field() -> None:
    """A known key that carries nothing to show is ignored; an unknown one is reported."""

    class CardModel(ReplyModel):
        reply_object = "card"

    report = ParseReport()
    report.parse_object(CardModel, {"country": "US", "colour": "blue"}, "payment_method")
    assert report.build_parsed_body(None).new_fields == ("payment_method.colour",)
