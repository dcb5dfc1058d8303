# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A leaked access key that may read its own replacement is refused before that is made, on moto that authorizes."""

from __future__ import annotations

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import Overtaken, RotationError
from ansible_collections.watchparty.secrets.plugins.module_utils._core.url_credentials import Login
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.write_permission import WritePermission
from ansible_collections.watchparty.secrets.plugins.plugin_utils._access.iam_client import AccessKeys
from tests.integration.access_key_lab import USER, keys
from tests.integration.access_key_steps.world import World


class TestFirstOff:
    """A leaked key that may read its own replacement."""

    def test_it_is_refused_before_the_new_one_is_made(self, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        accepted: list[bool] = []
        create = AccessKeys.create

        def looking(store: AccessKeys, user: str, *, fresh: WritePermission) -> Login:
            accepted.append(store.accepts(world.old, USER))
            return create(store, user, fresh=fresh)

        monkeypatch.setattr(AccessKeys, "create", looking)
        assert world.steps(first_off=True).issued()["changed"] is True
        assert accepted == [False]
        assert keys(world.iam)[str(world.old.username)] == "Inactive"
        assert world.steps(world.issued.take("storage"), first_off=True).revoked()["accepted"] is False
        assert str(world.old.username) not in world.names()

    def test_it_is_refused_before_anything_is_made(self, world: World) -> None:
        """Beside it another key may be made, which it reads."""
        assert world.steps(first_off=True).deactivated() == {
            "changed": True,
            "user": USER,
            "access_key_id": world.old.username,
            "accepted": False,
        }
        assert keys(world.iam) == {world.old.username: "Inactive"}
        world.steps(first_off=True).issued()
        assert world.steps(first_off=True).deactivated()["accepted"] is False, "a run that was killed does it again"

    def test_one_that_may_read_nothing_new_stays_on(self, world: World) -> None:
        assert world.steps().deactivated()["changed"] is False
        assert keys(world.iam) == {world.old.username: "Active"}

    def test_one_that_stays_accepted_gets_no_successor(self, world: World) -> None:
        world.sts = lambda _login: Owner()
        with pytest.raises(RotationError, match=r"still accepts key \w+ of user .* after its deactivation"):
            world.steps(first_off=True).issued()
        assert world.names() == {world.old.username}

    def test_on_the_way_back_it_is_in_force_again(self, world: World) -> None:
        world.steps(first_off=True).issued()
        new = world.issued.take("storage")
        assert keys(world.iam)[str(world.old.username)] == "Inactive"
        world.steps(new, aborting=True, first_off=True).revoked()
        assert keys(world.iam) == {world.old.username: "Active"}
        assert world.store.accepts(world.old, USER)

    def test_killed_before_the_new_one_was_made_it_comes_back_too(self, world: World) -> None:
        world.iam.update_access_key(UserName=USER, AccessKeyId=world.old.username, Status="Inactive")
        world.steps(aborting=True, first_off=True).revoked()
        assert keys(world.iam) == {world.old.username: "Active"}

    def test_a_run_that_was_overtaken_meanwhile_leaves_it_in_force(self, world: World) -> None:
        """Another run took the rotation back, and this one's last act came late."""
        world.is_ended = True
        with pytest.raises(Overtaken):
            world.steps(first_off=True).issued()
        assert keys(world.iam) == {world.old.username: "Active"}

    def test_overtaken_before_it(self, world: World) -> None:
        world.overtaken_at = 1
        with pytest.raises(Overtaken):
            world.steps(first_off=True).issued()
        assert keys(world.iam) == {world.old.username: "Active"}


class Owner:
    """An STS that takes whatever key it is asked with for the user's."""

    def get_caller_identity(self) -> dict[str, str]:
        return {"Arn": f"arn:aws:iam::123456789012:user/applications/{USER}"}
