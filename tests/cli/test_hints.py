import pytest

from occreid.cli.hints import for_command


@pytest.mark.parametrize(
    ("hint", "command", "shown"),
    [
        ("Accept them with strict=false.", "evaluate", "Accept them with --option strict=false."),
        ("Accept them with --option strict=false.", "stats", "Accept them with --option strict=false."),
        ("Name them: --option test_masks=FOLDER.", "train", "Name them: --set data.options.test_masks=FOLDER."),
        ("Choose version=v1.", "ablate", "Choose --set data.options.version=v1."),
        ("Keep them: --same-camera keep", "evaluate", "Keep them: --same-camera keep"),
        ("Keep them: --same-camera keep", "train", "Keep them: --set evaluation.same_camera=keep"),
        ('Give same_camera="keep".', "train", 'Give same_camera="keep".'),
        ("Did you mean 'strict'?", "train", "Did you mean 'strict'?"),
    ],
)  # fmt: skip
def test_a_hint_names_the_option_of_this_command(hint, command, shown):
    assert for_command(hint, command) == shown
