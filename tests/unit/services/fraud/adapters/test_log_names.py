"""Names of logs tell of nobody, and of a tenant to who has the secret."""

from __future__ import annotations

from services.fraud.adapters.logs.names import NAME_BYTES, PENDING, STATE, WHOLE, LogNames, chunk_name
from services.fraud.ports import LogKey, LogStream
from tests.support.fraud import new_tenant


def key(tenant: str, value: str, schema: str = "user_id") -> LogKey:
    return LogKey(LogStream(tenant, schema), value)


def test_a_name_has_the_tag_of_its_tenant_and_differs_by_all_of_its_key() -> None:
    names, tenant, other = LogNames(b"secret"), new_tenant(), new_tenant()
    keys = [key(tenant, "u1"), key(tenant, "u2"), key(tenant, "u1", "device"), key(other, "u1")]
    made = [names.of(each) for each in keys]
    assert len(set(made)) == len({each[5:] for each in made}) == 4
    assert {len(each) for each in made} == {NAME_BYTES} == {18}
    assert [each[:5] for each in made] == [b"e:" + names.tag(each.stream.tenant_id) for each in keys]
    assert chunk_name(made[0], 3)[:5] == made[0][:5]


def test_tags_are_keyed_and_known_again() -> None:
    names, tenant = LogNames(b"secret"), new_tenant()
    assert names.tenant(LogNames(b"secret").tag(tenant)) is None
    assert names.tag(tenant) == LogNames(b"secret").tag(tenant) != LogNames(b"another").tag(tenant)
    assert names.tenant(names.tag(tenant)) == tenant


def test_processes_that_name_logs_otherwise_share_no_state() -> None:
    assert not {STATE, WHOLE, PENDING} & {"logs:state", "logs:whole", "logs:pending"}
