import subprocess
import sys

import occreid


def test_python_dash_m_runs_the_command_line():
    result = subprocess.run([sys.executable, "-m", "occreid", "--version"], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == f"occreid {occreid.__version__}"


def test_importing_the_module_runs_nothing():
    code = "import occreid.__main__; print('quiet')"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout == "quiet\n" and not result.stderr
