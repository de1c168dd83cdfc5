"""Which account an environment trades on: the simulated exchange's own, or the key that the operator has stored."""

from __future__ import annotations

from cockpit.adapters.bybit.config import BybitConfig
from cockpit.adapters.bybit.credentials import SecretKey
from cockpit.cli.run_files import SimexRun
from cockpit.config.profile import Profile
from cockpit.domain.errors import ConfigError


def sim_venue(config: BybitConfig, simex: SimexRun) -> tuple[BybitConfig, SecretKey]:
    """Addresses and key of the running simulated exchange."""
    own = {"rest_url": simex.rest, "public_url": simex.public, "private_url": simex.private}
    return config.model_copy(update=own), SecretKey(simex.api_key, simex.api_secret)


def account_key(profile: Profile) -> SecretKey:
    """The key stored for demo, testnet or live.

    Raises:
        ConfigError: there is none, with the places that were looked at.
    """
    raise ConfigError(f"no API key for {profile.environment.value} is stored yet")
