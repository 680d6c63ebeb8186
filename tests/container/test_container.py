"""What the image and the compose file promise. A container engine is not needed: the files are read."""

import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
DOCKERFILE = (ROOT / "container" / "Dockerfile").read_text("utf-8")
COMPOSE = yaml.safe_load((ROOT / "container" / "compose.yaml").read_text("utf-8"))


def final_stage() -> str:
    return DOCKERFILE[DOCKERFILE.rindex("\nFROM ") :]


def test_the_image_runs_as_nobody_and_writes_to_its_volume_only():
    stage = final_stage()
    assert re.search(r"^USER 10001:10001$", stage, re.M)
    assert stage.index("USER 10001") < stage.index("ENTRYPOINT")
    assert 'VOLUME ["/data"]' in stage
    for name in ("MPLCONFIGDIR", "NUMBA_CACHE_DIR"):  # what libraries would write into a home that is read-only
        assert f"{name}=/tmp/" in stage
    assert "HEALTHCHECK" in stage and "/readyz" in stage
    assert "HF_HUB_OFFLINE=1" in stage


def test_the_image_takes_what_the_build_needs_and_nothing_else():
    copied = [word for line in re.findall(r"^COPY (?!--from)(.+)$", DOCKERFILE, re.M) for word in line.split()[:-1]]
    let_through = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    assert set(copied) == let_through
    assert all((ROOT / name).exists() for name in copied)
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    assert set(re.search(r"^ARG EXTRAS=(.+)$", DOCKERFILE, re.M)[1].split(",")) <= set(extras)
    assert re.search(r"^ARG TORCH=cpu$", DOCKERFILE, re.M)  # CUDA is a build argument


def test_the_lock_without_cuda_still_pins_everything_else():
    pattern = re.search(r"grep -vE '([^']+)' requirements.lock", DOCKERFILE)[1]
    lines = (ROOT / "requirements.lock").read_text().splitlines()
    left_out = {line.partition("==")[0] for line in lines if re.search(pattern, line)}
    assert {"torch", "torchvision", "triton"} <= left_out
    assert left_out <= {"torch", "torchvision", "torchmetrics", "triton"} | {
        name for name in left_out if name.startswith(("nvidia-", "cuda-"))
    }


def test_only_the_proxy_is_seen_from_outside():
    service, proxy = COMPOSE["services"]["service"], COMPOSE["services"]["proxy"]
    assert "ports" not in service and proxy["ports"] == ["443:443"]
    assert COMPOSE["networks"]["inside"]["internal"] is True and list(service["networks"]) == ["inside"]
    assert service["environment"]["FORWARDED_ALLOW_IPS"] == proxy["networks"]["inside"]["ipv4_address"]
    assert proxy["depends_on"]["service"]["condition"] == "service_healthy"
    assert "service:8000" in (ROOT / "container" / "Caddyfile").read_text()


@pytest.mark.parametrize("name", ["service", "proxy"])
def test_containers_have_no_rights_and_a_read_only_root(name):
    service = COMPOSE["services"][name]
    assert service["read_only"] is True and service["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in service["security_opt"]
    assert service["tmpfs"]


def test_the_service_is_started_with_options_that_exist():
    import typer

    from occreid.cli import app

    words = COMPOSE["services"]["service"]["command"]
    command = typer.main.get_command(app).commands[words[0]]
    known = {name for option in command.params for name in (*option.opts, *option.secondary_opts)}
    assert {word.partition("=")[0] for word in words[1:]} <= known


def test_hadolint_finds_nothing():
    if shutil.which("hadolint") is None:
        pytest.skip("hadolint is not installed: make lint-container installs it")
    subprocess.run(["hadolint", ROOT / "container" / "Dockerfile"], check=True)
