"""Says at the end how many trials there were, and how long they took."""


def pytest_terminal_summary(terminalreporter):
    """Print one line for the register."""
    passed = [
        report
        for report in terminalreporter.stats.get("passed", [])
        if "test_register.py" in report.nodeid and report.when == "call"
    ]
    inside, outside = (
        [report for report in passed if name in report.nodeid]
        for name in ("::test_inside[", "::test_outside[")
    )
    if inside or outside:
        seconds = sum(report.duration for report in inside + outside)
        terminalreporter.write_line(
            f"statements: {len(inside)} trials inside, {len(outside)} outside, {seconds:.0f} s"
        )
