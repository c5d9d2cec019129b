from __future__ import annotations

import pytest

from meshkit.identity.policy import policies
from meshkit.rpc.keys import AUTH_SERVICE, KEPT_SECONDS
from meshkit.settings import SettingsError
from services.auth.settings import check_rotation


def test_a_key_is_published_for_longer_than_anybody_goes_by_an_older_set() -> None:
    assert policies([AUTH_SERVICE])["/rampart.auth.v1.AuthService/GetJwks"].max_age <= KEPT_SECONDS == 75
    check_rotation(180, 30)
    check_rotation(105, 30)
    for publish, check in ((104, 30), (0, 30), (180, 120)):
        with pytest.raises(SettingsError, match="RAMPART_KEY_PUBLISH_SECONDS must be"):
            check_rotation(publish, check)
