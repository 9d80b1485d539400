"""What takes the place of each value of the model, so that nothing in it is about anybody."""

from __future__ import annotations

import re
from dataclasses import replace

from claudemeter_tui.model.reading import Failure, Looked, Reply, Session, Value
from claudemeter_tui.model.usage import Account, Card, Meter, Org, Plan, Share, Subscription, Window
from claudemeter_tui.text.pseudonyms import Kind, Pseudonyms
from claudemeter_tui.text.redact_body import Body
from claudemeter_tui.text.vocabulary import (
    BROWSERS,
    EMAIL,
    MODELS,
    PLANS,
    REASONS,
    SURFACES,
    UUID,
    VALUES,
    WINDOWS,
    is_time,
)

_TURN = re.compile(r" \([0-9]{1,3}\)$")
_LISTED = re.compile(r"limits\[[0-9]{1,3}\]")
"""The key of a window that has nothing but its place."""
_WEEK = "7-day "
_PROFILES = "there are: "
"""Begins the list of a browser's profiles."""
_ONLY = "its only one"
"""Stands in that list for a profile without a name."""
_PROFILE = re.compile(rf"\b({'|'.join(BROWSERS)}), (.+?): ")
_REDIRECT = re.compile(r"^(status [0-9]{3} to )(?!no address$|the same host$|(?:[\w-]+\.)*claude\.ai$).*$")
_TO_LOGIN = r"/login[.,:;]?(?!\S)"
_PATH_TO_THE_END = re.compile(
    rf"(?<!\S)[\"'(]*(?!{_TO_LOGIN})(?:~|/|\.{{1,2}}[\\/]|[A-Za-z]:[\\/]|\\\\).*", re.DOTALL
)
_PATH = re.compile(rf"(?<!\S)(?!{_TO_LOGIN}|claude\.ai/)\S*[\\/]\S*")
_HOST = re.compile(
    r"\b(?!(?:[\w-]+\.)*claude\.ai\b)(?:(?:[\w-]+\.)+[A-Za-z]{2,}|[0-9]{1,3}(?:\.[0-9]{1,3}){3})\b"
    r"(?!\.\w|:[0-9]+ \w)"
)


class Masks:
    """Makes private values of real ones, with the pseudonyms of one run."""

    def __init__(self, names: Pseudonyms) -> None:
        """Use and fill these pseudonyms."""
        self._names = names

    def detail(self, text: str) -> str:
        """What narrows a failure down, without profiles, e-mails, uuids, paths and foreign hosts."""
        text = self._without_profiles(text)
        text = UUID.sub(lambda met: self.who(met[0]), text)
        text = EMAIL.sub(lambda met: self.who(met[0]), text)
        text = _REDIRECT.sub(r"\1<host>", text)
        return _HOST.sub("<host>", _PATH.sub("<path>", _PATH_TO_THE_END.sub("<path>", text)))

    def _without_profiles(self, text: str) -> str:
        if text.startswith(_PROFILES):
            return _PROFILES + "; ".join(map(self._profile, text.removeprefix(_PROFILES).split("; ")))
        text = _PROFILE.sub(lambda met: f"{met[1]}, {self._profile(met[2])}: ", text)
        for profile, given in self._names.given(Kind.PROFILE):
            text = text.replace(f", {profile}", f", {given}")
        return text

    def _profile(self, name: str) -> str:
        return name if name == _ONLY else self._names.of(Kind.PROFILE, name)

    def session(self, session: Session) -> Session:
        """The browser stays, its profile goes by a number."""
        return replace(session, profile=self._profile(session.profile))

    def session_label(self, label: str) -> str:
        """The same of a session's label."""
        return self.session(Session(*label.split(", ", 1))).label

    def looked(self, looked: Looked) -> Looked:
        """A place that was looked at; what was found there stays."""
        return replace(looked, session=self.session(looked.session), detail=self.detail(looked.detail))

    def failure(self, failure: Failure) -> Failure:
        """A failure, its trace as it is: there are no values in it."""
        return replace(failure, detail=self.detail(failure.detail))

    def reply(self, reply: Reply) -> Reply:
        """A reply: what it means, its body, and what is remarked on it, with one another's pseudonyms."""
        body = Body(self._names)
        value = self._value(reply.value, body)
        text = body.json(reply.text)  # before the remarks: they quote its keys
        return replace(
            reply,
            value=value,
            text=text,
            new_fields=tuple(map(body.remark, reply.new_fields)),
            odd_values=tuple(map(body.remark, reply.odd_values)),
        )

    def _value(self, value: Value, body: Body) -> Value:
        match value:
            case Account():
                return self.account(value)
            case Plan():
                return self._plan(value, body)
            case Meter():
                return self._meter(value)
            case Subscription():
                return self._subscription(value)
            case _:
                return value

    def account(self, account: Account) -> Account:
        """Somebody."""
        uuid, email = account.uuid, account.email
        return Account(uuid and self.who(uuid), email and self.who(email))

    def who(self, text: str) -> str:
        """The pseudonym of whatever tells two accounts apart."""
        if UUID.fullmatch(text):
            return self._names.of(Kind.UUID, text)
        return self._names.of(Kind.PERSON, text.lower())

    def org_id(self, text: str) -> str:
        """Another uuid, or what stands in for one."""
        return self._names.of(Kind.UUID if UUID.fullmatch(text) else Kind.ID, text)

    def org(self, org: Org) -> Org:
        """An org, its plan in words as it is."""
        return replace(
            org,
            uuid=self.org_id(org.uuid),
            name=self._names.of(Kind.ORG, org.name),
            plan=self._plan_words(org.plan),
            gates=tuple((key, self._gate(text)) for key, text in org.gates),
        )

    def _gate(self, text: str) -> str:
        public = text in VALUES or text in ("true", "false") or is_time(text)
        return text if public else self._names.of(Kind.TEXT, text)

    def _plan_words(self, text: str) -> str:
        return text if PLANS.fullmatch(text) else self._names.of(Kind.PLAN, text)

    def reason(self, code: str | None) -> str | None:
        """A reason of the server's; one that nobody knows goes by a number."""
        return code if code is None or code in REASONS else self._names.of(Kind.REASON, code)

    def _plan(self, plan: Plan, body: Body) -> Plan:
        return replace(
            plan,
            windows=tuple(self._window(window, body) for window in plan.windows),
            meters=tuple(map(self._meter, plan.meters)),
            shares=tuple(Share(self._surface(share.label), share.percent) for share in plan.shares),
        )

    def _meter(self, meter: Meter) -> Meter:
        return replace(meter, reason=self.reason(meter.reason))

    def _subscription(self, paid: Subscription) -> Subscription:
        status, card, change = paid.status, paid.card, paid.change
        if status is not None and status not in VALUES:
            status = self._names.of(Kind.TEXT, status)
        if card is not None:
            brand = card.brand if card.brand in VALUES else self._names.of(Kind.TEXT, card.brand)
            card = Card(brand, self._names.of(Kind.CARD, card.last4))
        if change is not None:
            change = self._plan_words(change[0]), change[1]
        return replace(paid, status=status, card=card, change=change)

    def _window(self, window: Window, body: Body) -> Window:
        base, turn = _untied(window.key)
        kind, mark, name = base.partition(":")
        kind = kind if _LISTED.fullmatch(kind) else body.key(kind)
        key = f"{kind}{mark}{self._models(name)}"
        return replace(
            window,
            key=key + turn,
            label=self._label(window, key),
            locked_reason=self.reason(window.locked_reason),
        )

    def _label(self, window: Window, key: str) -> str:
        """What the window is called; where it goes by its key, by the new one."""
        label, turn = _untied(window.label)
        if label in (before := _untied(window.key)[0], before.replace(":", " ")):
            return key.replace(":", " ") + turn
        return self.label(window.label)

    def label(self, text: str) -> str:
        """What a window is called: the week of a model, one that has a name, or a number."""
        label, turn = _untied(text)
        if label in WINDOWS:
            return text
        if label.startswith(_WEEK):
            return _WEEK + self._models(label.removeprefix(_WEEK)) + turn
        return self._names.of(Kind.MODEL, text)

    def _models(self, names: str) -> str:
        """The models and surfaces that a window is limited to."""
        return ", ".join(map(self._model, names.split(", ")))

    def _model(self, name: str) -> str:
        public = MODELS.fullmatch(name) or name.lower() in SURFACES
        return name if public else self._names.of(Kind.MODEL, name)

    def _surface(self, name: str) -> str:
        return name if name.lower() in SURFACES else self._names.of(Kind.SURFACE, name)


def _untied(name: str) -> tuple[str, str]:
    """A window's key or label, and the number that tells it from others of that name."""
    turn = _TURN.search(name)
    return (name[: turn.start()], turn[0]) if turn else (name, "")
