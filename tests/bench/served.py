"""A fake claude.ai with one org: prints its address, and serves until its input ends."""

from __future__ import annotations

import sys

from tests.bench.orgs import bodies
from tests.bodies import account_body
from tests.responses import Answer
from tests.server import LoopbackServer

ORG = bodies(0)
BASE = f"/api/organizations/{ORG.org['uuid']}"

if __name__ == "__main__":
    with LoopbackServer() as server:
        server.routes["/api/account"] = Answer.json(account_body(ORG.org))
        server.routes[f"{BASE}/usage"] = Answer.json(ORG.usage)
        server.routes[f"{BASE}/overage_spend_limit"] = Answer.json(ORG.overage)
        server.routes[f"{BASE}/prepaid/credits"] = Answer.json(ORG.prepaid)
        server.routes[f"{BASE}/subscription_details"] = Answer.json(ORG.subscription)
        print(server.url, flush=True)
        sys.stdin.read()
