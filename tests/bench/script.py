"""The yardstick of `--once`: its requests with one `httpx.AsyncClient`, its usage in one `BaseModel`."""

import asyncio
import sys

import httpx
from pydantic import BaseModel


class Usage(BaseModel):
    """The part of the usage reply that a script would read."""

    five_hour: dict[str, float | str | None] | None
    seven_day: dict[str, float | str | None] | None


async def main(url: str) -> None:
    """Send the requests in the program's order and print the result."""
    cookies = {"sessionKey": "none"}
    async with httpx.AsyncClient(base_url=url, cookies=cookies) as client:
        account = (await client.get("/api/account")).json()
        base = f"/api/organizations/{account['memberships'][0]['organization']['uuid']}"
        asked = ("usage", "overage_spend_limit", "subscription_details")
        usage, *rest = await asyncio.gather(*(client.get(f"{base}/{what}") for what in asked))
        rest.append(await client.get(f"{base}/prepaid/credits"))
    print(Usage.model_validate_json(usage.content), *(reply.json() for reply in rest))


asyncio.run(main(sys.argv[1]))
