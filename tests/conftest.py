"""What the browser tests share: Chromium, and the finished book."""

import os

# Several tests run at once, each with its own processes: a thread of its own for each is quicker
# than threads that wait for one another. Before anything loads torch.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import shutil
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
HTML = ROOT / "_build" / "html"
CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
QUIET_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--allow-file-access-from-files=false",
    # No other host can be reached: whatever asks for one fails, and is noted.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
]


BEFORE = pytest.StashKey[set]()


def pytest_sessionstart(session):
    session.config.stash[BEFORE] = set(os.listdir(ROOT))


def pytest_sessionfinish(session, exitstatus):
    """Tests that leave something in the project's folder fail: they have folders of their own."""
    left = set(os.listdir(ROOT)) - session.config.stash[BEFORE]
    left = {name for name in left if not name.startswith((".", "_"))}  # of the tools
    if left and not hasattr(session.config, "workerinput"):  # several at once: the first tells
        print(f"\ntests left in the project's folder: {', '.join(sorted(left))}")
        session.exitstatus = exitstatus or pytest.ExitCode.TESTS_FAILED


@pytest.fixture(scope="session")
def chromium():
    """A headless Chromium; the tests that need it are skipped where there is none."""
    if CHROMIUM is None:
        message = "no Chromium (Debian, Ubuntu: sudo apt install chromium)"
        if os.environ.get("CONVAC_REQUIRE_BROWSER"):
            pytest.fail(message)
        pytest.skip(message)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET_FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def html():
    """The folder of the finished book."""
    if not (HTML / "intro.html").exists():
        pytest.fail("the book is not built; run `make book`")
    return HTML


@pytest.fixture
def one_thread():
    """Train in one thread: the same numbers on every machine, and none taken from other tests."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
