from __future__ import annotations

import argparse

import pytest
from rampart.auth.v1 import auth_service_pb2 as pb

from console.tenants import _plan, _show, add_parser


def parse(*arguments: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_parser(parser.add_subparsers())
    return parser.parse_args(["tenant", *arguments])


@pytest.mark.parametrize("action", ["create", "plan"])
def test_plan_is_read_from_the_command_line_and_shown(action: str, capsys: pytest.CaptureFixture[str]) -> None:
    options = [
        "--rate-limit",
        "1000",
        "--class-limit",
        "write=100",
        "--class-limit",
        "read=7",
        "--user-rate-limit",
        "5",
        "--members",
        "500",
        "--api-keys",
        "20",
    ]
    plan = _plan(parse(action, "acme", *options))
    assert (plan.rate_limit, plan.user_rate_limit) == (1000, 5)
    assert (plan.max_members, plan.max_clients, plan.max_api_keys) == (500, 0, 20)
    assert [limit.rate_limit for limit in plan.class_limits] == [100, 7]
    _show(pb.Tenant(tenant_id="id-1", name="acme", default_currency="EUR", plan=plan))
    limits = "limits    all 1000/s, user 5/s, write 100/s, read 7/s, members 500, api keys 20"
    assert capsys.readouterr().out.splitlines()[-2] == limits


def test_without_options_there_are_no_limits(capsys: pytest.CaptureFixture[str]) -> None:
    plan = _plan(parse("create", "acme"))
    assert plan == pb.TenantPlan()
    _show(pb.Tenant(name="acme", plan=plan))
    assert capsys.readouterr().out.splitlines()[-2:] == ["limits    none", "state     active"]


@pytest.mark.parametrize("text", ["write", "write=", "write=-1", "write=x", "public=1", "=1"])
def test_class_limit_that_cannot_be_meant_is_named(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parse("plan", "acme", "--class-limit", text)
    assert "argument --class-limit: must be " in capsys.readouterr().err


def test_tenant_that_is_stopped_is_shown_as_such(capsys: pytest.CaptureFixture[str]) -> None:
    tenant = pb.Tenant(name="acme")
    tenant.suspend_time.FromJsonString("2026-11-21T04:10:37Z")
    _show(tenant)
    assert capsys.readouterr().out.splitlines()[-1].startswith("state     suspended since 2026-11-2")
    tenant.erasure_allow_time.FromJsonString("2026-11-21T04:10:37Z")
    _show(tenant)
    assert capsys.readouterr().out.splitlines()[-1].startswith("erasure   allowed since 2026-11-2")


@pytest.mark.parametrize("action", ["show", "suspend", "resume"])
def test_tenant_is_controlled_by_its_name(action: str) -> None:
    arguments = parse(action, "acme")
    assert (arguments.action, arguments.name) == (action, "acme")
