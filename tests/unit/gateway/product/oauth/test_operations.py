"""The token endpoint in the OpenAPI document, which only Rampart's gateway has."""

from __future__ import annotations

from gateway.describe.openapi import LOCAL_URL
from tests.support.documents import foreign_document, rampart_document
from tests.support.gateway import Gateway, plan


def test_token_endpoint_is_a_form_with_the_errors_of_oauth() -> None:
    token = rampart_document()["paths"]["/api/v1/oauth/token"]["post"]
    form = token["requestBody"]["content"]["application/x-www-form-urlencoded"]["schema"]
    assert {"grant_type", "client_id", "client_secret", "scope", "code_verifier"} <= set(form["properties"])
    assert form["required"] == ["grant_type"]
    assert set(token["responses"]) == {"200", "400", "401", "429", "500", "503"}
    refused = token["responses"]["401"]["content"]["application/json"]["schema"]
    assert refused == {"$ref": "#/components/schemas/OAuthError"}
    assert token["security"] == []


def test_tokens_are_had_by_code_and_by_client_credentials_with_the_scopes_of_the_methods() -> None:
    (name, scheme), *others = rampart_document()["components"]["securitySchemes"].items()
    assert (name, scheme["type"]) == ("oauth2", "oauth2")
    ((other, key),) = others
    assert (other, key["type"], key["in"], key["name"]) == ("api_key", "apiKey", "header", "X-Api-Key")
    assert {"api_key": []} in rampart_document()["paths"]["/api/v1/users"]["get"]["security"]
    assert set(scheme["flows"]) == {"authorizationCode", "clientCredentials"}
    for flow in scheme["flows"].values():
        assert flow["tokenUrl"] == f"{LOCAL_URL}/api/v1/oauth/token"
        assert flow["scopes"]["decision:create"].startswith("Have transactions decided")


def test_the_same_services_without_the_product_are_those_of_anyone() -> None:
    found = foreign_document(plan())
    assert found["info"]["summary"] == "gRPC services as REST"
    assert "/api/v1/oauth/token" not in found["paths"]
    assert "OAuthError" not in found["components"]["schemas"]
    assert list(found["components"]["securitySchemes"]) == ["bearer"]
    assert "transaction_amount" not in str(found["components"]["responses"])


async def test_gateway_without_the_product_has_no_token_endpoint() -> None:
    reply = await Gateway(product=None).request("POST", "/api/v1/oauth/token", b"", token=None)
    assert (reply.status, reply.json["reason"]) == (404, "ROUTE_NOT_FOUND")
