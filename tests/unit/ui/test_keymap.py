import pytest

from cockpit.domain.errors import ConfigError
from cockpit.ui.config import KeysConfig
from cockpit.ui.keymap import ACTIONS, FORBIDDEN_FOR_MONEY, build, translated

RUSSIAN = {
    "a": "ф", "b": "и", "d": "в", "e": "у", "g": "п", "h": "р", "j": "о", "i": "ш", "k": "л", "m": "ь", "p": "з",
    "q": "й", "u": "г", "v": "м", "w": "ц", "x": "ч", "z": "я", "J": "О", "K": "Л", "L": "Д", "T": "Е", "X": "Ч",
    ":": "Ж",
}  # fmt: skip


def test_the_default_map_has_no_faults() -> None:
    keys = build({})
    assert keys.action("a") == "signal.approve"
    assert keys.action("X") == "flatten.all"


@pytest.mark.parametrize("action", [action for action in ACTIONS if action.is_money], ids=lambda action: action.id)
def test_no_money_key_can_come_out_of_a_broken_sequence(action) -> None:
    assert not set(action.keys) & FORBIDDEN_FOR_MONEY


@pytest.mark.parametrize("latin", [key for action in ACTIONS for key in action.keys if len(key) == 1 and key.isalpha()])
def test_every_letter_works_under_the_russian_layout(latin: str) -> None:
    assert translated(f"cyrillic_{latin}", RUSSIAN[latin]) == latin


def test_help_is_reached_from_the_russian_layout() -> None:
    keys = build({})
    assert keys.action(translated("full_stop", ".")) == "help"
    assert keys.action(translated("comma", ",")) == "help"


def test_no_cyrillic_letter_looks_like_a_broken_sequence() -> None:
    assert translated("cyrillic", "х") == "х"
    assert translated("cyrillic", "Б") == "Б"


def test_two_actions_on_one_key_are_refused_with_both_names() -> None:
    with pytest.raises(ConfigError, match=r"'j' stands for both queue.next and view.unit"):
        build({"view.unit": ("j",)})


def test_a_money_action_on_a_dangerous_key_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"'A' cannot be used for signal.approve"):
        build({"signal.approve": ("A",)})


@pytest.mark.parametrize("key", ["ctrl+z", "ctrl+c", "alt+x", "ctrl+b", "escape", "["])
def test_keys_of_terminals_and_multiplexers_are_refused(key: str) -> None:
    with pytest.raises(ConfigError, match="cannot be used"):
        build({"view.unit": (key,)})


def test_an_unknown_action_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"no action 'signal.aprove'"):
        build({"signal.aprove": ("a",)})


def test_a_user_may_move_an_action() -> None:
    keys = build({"signal.approve": ("w",), "view.walls": ()})
    assert keys.action("w") == "signal.approve"
    assert keys.action("a") is None


def test_key_tables_may_be_nested_or_dotted_and_single_keys_need_no_list() -> None:
    nested = KeysConfig.model_validate({"signal": {"approve": "w"}, "view.walls": []})
    assert nested.bindings == {"signal.approve": ("w",), "view.walls": ()}


def test_the_money_keys_are_those_that_must_come_alone() -> None:
    assert build({}).money_keys == frozenset("adzxhbepg")
