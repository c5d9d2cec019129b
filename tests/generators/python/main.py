"""Uses the client that openapi-generator makes for Python."""

import json
import os

from openapi_client import ApiClient, Configuration, FraudApi, UserApi
from openapi_client.exceptions import BadRequestException
from openapi_client.models import BatchCheckFraudRequest, CheckFraudRequest, Problem, UpdateUserBody, UserInput

user_id = os.environ["RAMPART_USER"]
configuration = Configuration(host=os.environ["RAMPART_URL"], access_token=os.environ["RAMPART_TOKEN"])
check = CheckFraudRequest(
    user_id=user_id, transaction_amount=42.5, device_fingerprint="device-1", ip_address="203.0.113.7"
)
wrong = check.model_copy(update={"ip_address": "nowhere"})

with ApiClient(configuration) as client:
    fraud, users = FraudApi(client), UserApi(client)
    decision = fraud.check_fraud(check)
    batch = fraud.batch_check_fraud(BatchCheckFraudRequest(requests=[check, wrong]))
    user = users.create_user(UserInput(user_id=user_id, display_name="Ada", email="ada@example.com"))
    patched = users.update_user(user_id, UpdateUserBody(phone="+15550199"))
    try:
        fraud.check_fraud(wrong)
        raise SystemExit("the wrong check was taken")
    except BadRequestException as error:
        problem = error.data
        assert isinstance(problem, Problem)

print(
    json.dumps(
        {
            "outcome": decision.outcome,
            "batch": [batch.results[0].decision.outcome, batch.results[1].error.code],
            "user": [user.user_id, user.email, user.create_time is not None],
            "patched": [patched.display_name, patched.phone],
            "error": [problem.status, problem.reason, problem.errors[0].pointer, problem.errors[0].message],
        }
    )
)
