"""Asks for one decision. Run it beside `make up`: `python clients/python/example.py [PATH_OF_DEV_JSON]`."""

import asyncio
import sys

from rampart_client import Config, Rampart
from rampart_client.fraud import CheckFraudRequest


async def main(dev: str = ".rampart/dev.json") -> None:
    async with Rampart(Config.from_dev(dev)) as rampart:
        payment = CheckFraudRequest(user_id="ada", transaction_amount=12.5, merchant_id="shop", channel="card_present")
        decision = await rampart.fraud.check_fraud(payment)
    print(decision.outcome, decision.confidence_score, decision.risk_factors)


asyncio.run(main(*sys.argv[1:]))
